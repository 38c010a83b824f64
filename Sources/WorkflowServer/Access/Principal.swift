internal import FlatValue
internal import WorkflowCore
package import WorkflowEngine

/// Who makes a request, and what they may do.
package struct Principal: Sendable, Hashable {
    package var name: String
    package var role: AccessToken.Role
    /// The workflows that they may see; empty for all.
    package var workflows: [String]

    package init(name: String, role: AccessToken.Role, workflows: [String] = []) {
        self.name = name
        self.role = role
        self.workflows = workflows
    }

    /// The name that is recorded with what they do; nil where it is not known.
    var signature: String? { name.isEmpty ? nil : name }

    /// Whoever asks a server that wants no tokens.
    static let everybody = Principal(name: "", role: .admin)

    /// Whether what needs a role may be done.
    func may(_ needed: AccessToken.Role) -> Bool {
        switch needed {
        case .read: true
        case .run: role != .read
        case .admin: role == .admin
        }
    }

    /// `{ name?, role, workflows? }`.
    var value: Value {
        var entries: [(String, Value)] = []
        if let signature { entries.append(("name", Value(signature))) }
        entries.append(("role", Value(role.rawValue)))
        if !workflows.isEmpty { entries.append(("workflows", Value(array: workflows.map { Value($0) }))) }
        return Value(entries: entries)
    }

    /// Whether there may be workflows that they may not see.
    var isLimited: Bool { !workflows.isEmpty }

    /// The workflows that they may see; nil for all.
    var visible: Set<String>? { isLimited ? Set(workflows) : nil }

    func maySee(_ workflow: String) -> Bool { workflows.isEmpty || workflows.contains { $0.isSpelled(like: workflow) } }
}
