package import FlatValue
internal import WorkflowCore

/// Permissions as a run's journal holds them: an object with a list of names, or `*`, for each kind that is allowed.
extension Permissions {
    /// A kind of permission: its name, its scope, and what a limit leaves of one.
    struct Kind {
        var name: String
        var scope: WritableKeyPath<Permissions, Scope>
        var narrow: (_ own: Scope, _ limit: Scope) -> Scope

        /// The scope with its paths from the root, as scopes are compared and kept.
        func absolute(_ scope: Scope) -> Scope {
            switch name {
            case "read", "write": scope.absolute
            case "run": scope.rooted
            default: scope
            }
        }
    }

    static var kinds: [Kind] {
        [
            Kind(name: "net", scope: \.net, narrow: Scope.hosts),
            Kind(name: "env", scope: \.env, narrow: Scope.variables),
            Kind(name: "read", scope: \.read, narrow: Scope.files),
            Kind(name: "write", scope: \.write, narrow: Scope.files),
            Kind(name: "run", scope: \.run, narrow: Scope.programs),
            Kind(name: "secret", scope: \.secret, narrow: Scope.variables),
            Kind(name: "model", scope: \.model, narrow: Scope.variables),
        ]
    }

    /// Reads what ``grant`` wrote; what is not understood, and null, allow nothing. Relative paths, which older versions wrote of
    /// programs, are so to the working folder.
    package init(grant: Value) {
        self.init(declared: grant)
        for kind in Self.kinds { self[keyPath: kind.scope] = kind.absolute(self[keyPath: kind.scope]) }
    }

    /// Reads the same object as a script writes it, with its paths as they are.
    package init(declared grant: Value) {
        self.init()
        for kind in Self.kinds {
            guard let value = grant[kind.name] else { continue }
            self[keyPath: kind.scope] = Scope(declared: value)
        }
        let open = grant["open"]?.array?.compactMap(\.string) ?? []
        isNetOpen = open.contains("net")
        isRunOpen = open.contains("run")
    }

    package var grant: Value {
        var entries: [(String, Value)] = Self.kinds.compactMap { kind in
            switch self[keyPath: kind.scope] {
            case .nothing: nil
            case .everything: (kind.name, Value(Self.everything))
            case .only(let names): (kind.name, Value(array: names.map { Value($0) }))
            }
        }
        // The lists that are a script's, and name nothing in the operator's stead.
        let open = Self.kinds.filter { kind in
            guard case .only = self[keyPath: kind.scope] else { return false }
            return kind.scope == \.net && isNetOpen || kind.scope == \.run && isRunOpen
        }.map { Value($0.name) }
        if !open.isEmpty { entries.append(("open", Value(array: open))) }
        return Value(entries: entries)
    }

    /// All that either of two allows.
    package func union(_ other: Permissions) -> Permissions {
        var result = self
        for kind in Self.kinds {
            result[keyPath: kind.scope] = self[keyPath: kind.scope].union(other[keyPath: kind.scope])
        }
        return result
    }

    /// Whether everything is named here that another one names.
    package func covers(_ other: Permissions) -> Bool { union(other) == self }

    /// The options that allow this, for a shell, each after a blank; empty for nothing.
    package var arguments: String {
        if self == .all { return " --allow-all" }
        return Self.kinds.map { kind in
            switch self[keyPath: kind.scope] {
            case .nothing: ""
            case .everything: " --allow-\(kind.name)"
            case .only(let names): " " + Self.quoted("--allow-\(kind.name)=" + Scope.list(of: names))
            }
        }.joined()
    }

    private static func quoted(_ word: String) -> String {
        if word.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:,=".contains($0)) }) { return word }
        return "'" + word.pieces(between: "'", omittingEmpty: false).joined(separator: "'\\''") + "'"
    }
}

extension Permissions.Scope {
    /// Reads a list of names as a script or a journal has it, or a text as the value of an option.
    init(declared value: Value) {
        if let text = value.string {
            self.init([text])
        } else {
            self.init(names: value.array?.compactMap(\.string) ?? [])
        }
    }

    fileprivate func union(_ other: Self) -> Self {
        switch (self, other) {
        case (.everything, _), (_, .everything): .everything
        case (.nothing, let scope), (let scope, .nothing): scope
        case (.only(let names), .only(let more)): .only(names + more.filter { !names.has(spelled: $0) })
        }
    }
}
