internal import FlatValue

extension SchemaEvaluation {
    /// Gives an unmarked empty table the kind that the schema asks for, and an integral double the kind `integer`.
    mutating func settled(_ node: SchemaNode, _ value: ValueCursor) -> ValueCursor {
        switch value.tag {
        case .emptyTable:
            let rules = node.rules
            let mayBeArray = rules.types?.contains(.array) ?? rules.hasArrayRules
            let mayBeObject = rules.types?.contains(.object) ?? rules.hasObjectRules
            if mayBeArray, !mayBeObject || rules.hasArrayRules && !rules.hasObjectRules {
                return scratch.copy(.emptyArray)
            }
            if mayBeObject, !mayBeArray || rules.hasObjectRules && !rules.hasArrayRules {
                return scratch.copy(.emptyObject)
            }
            return value
        case .double:
            guard let types = node.rules.types, types.contains(.integer), !types.contains(.number),
                let whole = Int64(exactly: value.double.unsafelyUnwrapped)
            else { return value }
            return scratch.copy { $0.write(whole) }
        default: return value
        }
    }

    /// Converts as the script's schema asks: other types to the one that is wanted, and text to its normal form.
    mutating func converted(_ node: SchemaNode, _ value: ValueCursor) -> ValueCursor {
        guard let rules = node.rules.extension else { return value }
        var value = value
        if rules.coerce, let types = node.rules.types, !types.contains(value) {
            value = Coercion.coerced(value, to: types).map { scratch.copy($0) } ?? value
        }
        if rules.convertsText, value.tag == .string {
            let text = value.string.unsafelyUnwrapped
            var converted = text
            if rules.trim { converted = converted.trimmed }
            if rules.lower { converted = converted.lowercased() }
            if rules.upper { converted = converted.uppercased() }
            if !converted.utf8.elementsEqual(text.utf8) { value = scratch.copy { $0.write(converted) } }
        }
        return value
    }

    /// Calls the script's functions in their order. After a refusal further refinements of the same value still have their
    /// say; a transformation, and all that comes after it, does not.
    mutating func callFunctions(_ node: SchemaNode, _ rules: SchemaExtension, _ value: ValueCursor) -> ValueCursor {
        guard let functions else { return value }
        let before = failures
        var value = value
        for function in rules.functions where !isStopped {
            switch function {
            case .refine(let refinement): refine(node, refinement, value, functions)
            case .transform(let slot):
                guard failures == before else { return value }
                value = transformed(node, slot, value, functions)
            }
            if !functions.mayContinue() { stop() }
        }
        return value
    }

    private mutating func refine(
        _ node: SchemaNode, _ refinement: SchemaExtension.Refinement, _ value: ValueCursor,
        _ functions: any SchemaFunctions
    ) {
        guard case .fails(let message) = functions.refine(refinement.slot, value) else { return }
        let depth = path.steps.count
        for step in refinement.path {
            // A script counts items from 1.
            if let number = Int(step), number > 0 {
                path.steps.append(.index(number - 1))
            } else if let key = scratch.copy(Value(step)).stringBytes {
                path.steps.append(.key(key))
            }
        }
        refuse(node, "x-aikit", .custom, expected: "a value that the script accepts", value) {
            message ?? refinement.message ?? "is refused by the script (got \(value.shortJSON))"
        }
        path.steps.removeLast(path.steps.count - depth)
    }

    private mutating func transformed(
        _ node: SchemaNode, _ slot: Int, _ value: ValueCursor, _ functions: any SchemaFunctions
    ) -> ValueCursor {
        var output = ByteArena()
        defer { output.deallocate() }
        switch functions.transform(slot, value, into: &output) {
        case .done where output.count > 0: return scratch.copy(output.bytes)
        case .done: return scratch.copy(.null)
        case .fails(let message):
            refuse(node, "x-aikit", .custom, expected: "a value that the script can transform", value) { message }
            return value
        }
    }
}

extension String {
    /// The text without white space at both ends.
    fileprivate var trimmed: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}

/// The conversions of `coerce`.
enum Coercion {
    /// The value as one of the types, or nil where it has no meaning as any of them.
    static func coerced(_ value: ValueCursor, to types: SchemaTypes) -> Value? {
        let wantsNumber = !types.isDisjoint(with: [.number, .integer])
        switch value.tag {
        case .string:
            let text = value.string.unsafelyUnwrapped.lowercased()
            if types.contains(.boolean), let truth = truths[text] { return Value(truth) }
            return wantsNumber ? number(text) : nil
        case .true, .false:
            if types.contains(.string) { return Value(value.tag == .true ? "true" : "false") }
            return wantsNumber ? Value(value.tag == .true ? Int64(1) : 0) : nil
        case .int, .double:
            if types.contains(.string) { return Value(value.shortNumber) }
            guard types.contains(.boolean), let number = value.number, number == 0 || number == 1 else { return nil }
            return Value(number == 1)
        default: return nil
        }
    }

    private static let truths = [
        "true": true, "false": false, "yes": true, "no": false, "on": true, "off": false, "1": true, "0": false,
    ]

    private static func number(_ text: String) -> Value? {
        let digits = String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
        // Swift reads more than decimal numbers.
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0.isDigit || "+-.e".utf8.contains($0) }) else { return nil }
        if let whole = Int64(digits) { return Value(whole) }
        guard let number = Double(digits), number.isFinite else { return nil }
        return Value(number)
    }
}

extension ValueCursor {
    /// A number's text: without a fraction where it has none, and the same for an integer and a double that are equal.
    fileprivate var shortNumber: String {
        if let double, let whole = Int64(exactly: double) { return String(whole) }
        return json
    }
}
