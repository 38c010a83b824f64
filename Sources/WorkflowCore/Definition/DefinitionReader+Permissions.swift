package import FlatValue

extension DefinitionReader {
    /// The kinds of permissions that a workflow or a step may narrow.
    static let permissionKinds = ["net", "env", "read", "write", "run", "secret", "model", "host"]

    /// Reads what narrows the run's permissions: `false`, or for each kind a boolean or names.
    mutating func readPermissions(_ scope: Scope, into node: Int) {
        guard let value = value(scope, "permissions") else { return }
        if value.bool == true || value.tag == .emptyTable { return }
        if value.bool == false {
            details[node].permissions = false
            return
        }
        guard value.isPlainObject else {
            return expected(scope, "permissions", "a table such as { net = { \"api.example.com\" } }", value)
        }
        var inner = scope
        inner.object = value
        checkKeys(inner, allowed: Self.permissionKinds, shown: Self.permissionKinds, prefix: "permissions.")
        for entry in value.ordered where Self.permissionKinds.contains(entry.key) {
            let given = entry.value
            let isList = given.tag == .emptyTable || given.isArray && given.items.allSatisfy { $0.string != nil }
            guard given.bool != nil || given.string != nil || isList else {
                expected(scope, "permissions." + entry.key, "a boolean, or a list of names", given)
                continue
            }
        }
        details[node].permissions = Value(value)
    }
}

extension Plan {
    /// What narrows the run's permissions at a node: what it says itself, and what all that it stands in say, the innermost
    /// first.
    package func permissionLimits(of node: NodeIndex) -> [Value] {
        var limits: [Value] = []
        var node = node
        while details.indices.contains(Int(node)) {
            if let limit = details[Int(node)].permissions { limits.append(limit) }
            let body = nodes[Int(node)].body
            guard bodies.indices.contains(Int(body)) else { break }
            node = bodies[Int(body)].owner
        }
        return limits
    }
}
