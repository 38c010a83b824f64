internal import FlatValue

extension CheckBuilder {
    /// The rules for objects, or nil where they are more than the fast check can hold.
    mutating func object(_ rules: SchemaRules) -> CheckObject? {
        let isOurs = rules.extension != nil
        var properties: [CheckProperty] = []
        var required: UInt64 = 0
        var defaults: UInt64 = 0
        var bits = 0

        let always = memory.allocate(CheckNode(allowed: CheckNode.everything))
        let undeclared = rules.required.filter { rules.propertyIndex[ByteText($0)] == nil }
        let declared = rules.properties.map { (key: $0.key, node: NodeID?.some($0.node)) }
        for (key, node) in declared + undeclared.map({ (key: $0, node: nil) }) {
            var bit: UInt64 = 0
            switch absence(of: key, node, rules) {
            case .allowed: break
            case let answer:
                guard bits < 64 else { return nil }
                bit = 1 << UInt64(bits)
                bits += 1
                if answer == .refused { required |= bit } else { defaults |= bit }
            }
            let bytes = text(key)
            properties.append(
                CheckProperty(
                    tail: Self.tail(bytes), length: bytes.count, key: bytes.baseAddress.unsafelyUnwrapped, bit: bit,
                    node: node.map(pointer) ?? always))
        }

        let patterns = rules.patternProperties.map {
            CheckObject.PatternProperty(pattern: unmanaged($0.pattern), node: pointer($0.node))
        }
        let dependencies = rules.dependentRequired.map {
            CheckObject.Dependency(key: text($0.key), needs: memory.allocate($0.needs.map(text)))
        }
        var result = CheckObject(
            properties: memory.allocate(properties), patterns: memory.allocate(patterns),
            dependencies: memory.allocate(dependencies), allied: texts(rules.extension?.alliedKeys ?? .none))
        result.required = required
        result.defaults = defaults
        result.nullMayBeAbsence = isOurs
        result.names = rules.propertyNames.map(pointer)
        result.minCount = rules.minProperties ?? 0
        result.maxCount = rules.maxProperties ?? Int.max
        // Keys that are only required are not declared: what looks at unknown keys looks at them too.
        result.unknown = unknown(rules)
        result.additional = rules.additionalProperties.map(pointer)
        let looksAtRequired = !undeclared.isEmpty && result.unknown != .allowed
        result.hasKeyRules = !patterns.isEmpty || rules.propertyNames != nil
        return looksAtRequired ? nil : result
    }

    /// What it means that a key is not there.
    private func absence(of key: String, _ node: NodeID?, _ rules: SchemaRules) -> CheckObject.Unknown {
        let isRequired = rules.requires(key)
        guard rules.extension != nil, let node else { return isRequired ? .refused : .allowed }
        if graph[node].rules.defaultValue != nil { return .unsure }
        guard isRequired, graph[node].rules.extension?.optional != true else { return .allowed }
        // A script cannot write a null field, so a key that may be null may be left out.
        return mayBeNull(node) ? .unsure : .refused
    }

    private func unknown(_ rules: SchemaRules) -> CheckObject.Unknown {
        if let schema = rules.additionalProperties {
            switch graph[schema].rules.verdict {
            case true: return .allowed
            case false: return .refused
            case nil: return .checked
            }
        }
        switch rules.extension?.unknown {
        case .strip: return .unsure
        case .strict: return .refused
        case .passthrough, nil: return .allowed
        }
    }

    /// Whether a schema might take null; what cannot be told cheaply counts as yes.
    private func mayBeNull(_ id: NodeID) -> Bool {
        let rules = graph[id].rules
        if rules.verdict == false { return false }
        if let types = rules.types, !types.contains(.null) { return rules.extension?.coerce ?? false }
        return true
    }

    private static func tail(_ key: UnsafeRawBufferPointer) -> UInt64 {
        key.suffix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
