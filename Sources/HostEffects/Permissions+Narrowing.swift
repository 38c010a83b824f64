package import FlatValue
internal import WorkflowCore

/// What a workflow or a step says of its own permissions: less than the run has, never more.
extension Permissions {
    /// What is left of it under a limit, `{ net = { … }, read = false, … }`; a kind that is not named stays as it is, and
    /// `false` in place of the object leaves nothing.
    package func narrowed(by limit: Value) -> Permissions {
        if limit.bool == false { return Permissions() }
        var result = self
        for kind in Self.kinds {
            guard let value = limit[kind.name], value.bool != true else { continue }
            let given = Scope(declared: value)
            result[keyPath: kind.scope] = kind.narrow(self[keyPath: kind.scope], given)
        }
        // A list that the script wrote names nothing in the operator's stead.
        result.isNetOpen = isNetOpen || net == .everything
        result.isRunOpen = isRunOpen || run == .everything
        return result
    }

    /// What a script declares that is not allowed here, in the script's words.
    package func missing(of required: Permissions) -> Permissions {
        var result = Permissions()
        for kind in Self.kinds {
            let (own, wanted) = (self[keyPath: kind.scope], required[keyPath: kind.scope])
            switch (own, wanted) {
            case (_, .nothing), (.everything, _): break
            case (_, .everything): result[keyPath: kind.scope] = .everything
            case (_, .only(let names)):
                let left = names.filter { name in
                    let asked = Scope.only([name])
                    return kind.narrow(own, asked) != kind.absolute(asked)
                }
                result[keyPath: kind.scope] = left.isEmpty ? .nothing : .only(left)
            }
        }
        return result
    }
}

extension Permissions.Scope {
    /// What both allow, where names are compared by `both`: what is named by either of two names, nil for nothing.
    func intersection(_ other: Self, _ both: (String, String) -> String?) -> Self {
        switch (self, other) {
        case (.nothing, _), (_, .nothing): return .nothing
        case (.everything, let scope), (let scope, .everything): return scope
        case (.only(let names), .only(let more)):
            var found: [String] = []
            for name in names {
                for other in more {
                    if let shared = both(name, other), !found.has(spelled: shared) { found.append(shared) }
                }
            }
            return found.isEmpty ? .nothing : .only(found)
        }
    }

    static func variables(_ own: Self, _ limit: Self) -> Self {
        own.intersection(limit) { a, b in
            covers(a, b) ? b : covers(b, a) ? a : nil
        }
    }

    static func files(_ own: Self, _ limit: Self) -> Self {
        own.intersection(limit.absolute) { a, b in
            FilePath.below(a, b) != nil ? b : FilePath.below(b, a) != nil ? a : nil
        }
    }

    static func programs(_ own: Self, _ limit: Self) -> Self {
        own.intersection(limit.rooted) { a, b in
            if a.isSpelled(like: b) { return a }
            guard let file = ExecCall.file(of: a), ExecCall.file(of: b)?.isSpelled(like: file) == true else {
                return nil
            }
            return b
        }
    }

    static func hosts(_ own: Self, _ limit: Self) -> Self {
        own.intersection(limit) { a, b in
            let (left, right) = (HostPattern(a), HostPattern(b))
            guard let name = left.name(sharedWith: right) else { return nil }
            if let port = left.port, let other = right.port, port != other { return nil }
            guard let port = left.port ?? right.port else { return name }
            return name.has(byte: ":") ? "[\(name)]:\(port)" : "\(name):\(port)"
        }
    }
}

/// `example.com`, `*.example.com`, `[::1]:80`.
private struct HostPattern {
    var name: String
    var port: String?

    init(_ text: String) {
        let text = text.lowercased()
        name = text
        if text.begins(with: "["), let end = text.firstPlace(of: "]") {
            name = String(text[text.utf8.index(after: text.startIndex)..<end])
            port = text[text.utf8.index(after: end)...].rest(after: ":").map(String.init)
        } else if let colon = text.firstPlace(of: ":"), colon == text.lastPlace(of: ":") {
            name = String(text[..<colon])
            port = String(text[text.utf8.index(after: colon)...])
        }
    }

    /// The narrower of two names, where one is within the other.
    func name(sharedWith other: HostPattern) -> String? {
        if name.isSpelled(like: other.name) { return name }
        if Self.isWithin(other.name, name) { return other.name }
        return Self.isWithin(name, other.name) ? name : nil
    }

    private static func isWithin(_ name: String, _ pattern: String) -> Bool {
        guard let domain = pattern.rest(after: "*"), domain.begins(with: ".") else { return false }
        return name.ends(with: domain) && name.utf8.count > domain.utf8.count
    }
}
