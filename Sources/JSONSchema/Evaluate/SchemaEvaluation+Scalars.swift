internal import FlatValue

extension SchemaEvaluation {
    mutating func checkType(_ node: SchemaNode, _ value: ValueCursor) {
        guard let types = node.rules.types, !types.contains(value) else { return }
        let expected = SchemaWords(graph).expectation(of: node.id)
        refuse(node, "type", .invalidType, expected: expected, value) { "expected \(expected), got \(value.brief)" }
    }

    /// Checks `enum` and `const`; an empty table becomes the value that it equals.
    mutating func checkChoice(_ node: SchemaNode, _ value: ValueCursor) -> ValueCursor {
        var value = value
        if let constant = node.rules.constant {
            if constant.withCursor({ $0.equals(value) }) {
                if value.tag == .emptyTable { value = scratch.copy(constant) }
            } else {
                refuse(node, "const", .invalidLiteral, expected: constant.withCursor(\.shortJSON), value) {
                    "must be \(constant.withCursor(\.shortJSON)) (got \(value.shortJSON))"
                }
            }
        }
        if let choices = node.rules.enumeration {
            spend(choices.count >> 3)
            if let choice = choices.first(where: { $0.withCursor { $0.equals(value) } }) {
                if value.tag == .emptyTable { value = scratch.copy(choice) }
            } else {
                let expected = SchemaWords.list(choices)
                refuse(node, "enum", .invalidEnumValue, expected: expected, value) {
                    choices.isEmpty ? "nothing is allowed here" : "must be \(expected) (got \(value.shortJSON))"
                }
            }
        }
        return value
    }

    mutating func checkNumber(_ node: SchemaNode, _ value: ValueCursor) {
        let rules = node.rules
        if let bound = rules.minimum, bound.order(of: value) < 0 {
            refuse(node, "minimum", .tooSmall, expected: "at least \(bound.text)", value) {
                "must be at least \(bound.text) (got \(value.shortJSON))"
            }
        }
        if let bound = rules.exclusiveMinimum, bound.order(of: value) <= 0 {
            refuse(node, "exclusiveMinimum", .tooSmall, expected: "greater than \(bound.text)", value) {
                "must be greater than \(bound.text) (got \(value.shortJSON))"
            }
        }
        if let bound = rules.maximum, bound.order(of: value) > 0 {
            refuse(node, "maximum", .tooBig, expected: "at most \(bound.text)", value) {
                "must be at most \(bound.text) (got \(value.shortJSON))"
            }
        }
        if let bound = rules.exclusiveMaximum, bound.order(of: value) >= 0 {
            refuse(node, "exclusiveMaximum", .tooBig, expected: "less than \(bound.text)", value) {
                "must be less than \(bound.text) (got \(value.shortJSON))"
            }
        }
        if let divisor = rules.multipleOf, !divisor.divides(value) {
            refuse(node, "multipleOf", .notMultipleOf, expected: "a multiple of \(divisor.bound.text)", value) {
                "must be a multiple of \(divisor.bound.text) (got \(value.shortJSON))"
            }
        }
    }

    mutating func checkString(_ node: SchemaNode, _ value: ValueCursor) {
        let rules = node.rules
        let bytes = value.stringBytes.unsafelyUnwrapped
        if rules.minLength != nil || rules.maxLength != nil {
            let length = UTF8Sequence.scalarCount(bytes)
            checkCount(node, length, "minLength", rules.minLength, "maxLength", rules.maxLength, "character", value)
        }
        if let pattern = rules.pattern {
            switch search(pattern, bytes) {
            case .found: break
            case .absent:
                refuse(node, "pattern", .invalidString, expected: "text that matches \(pattern.source)", value) {
                    let rule =
                        PatternWords.rule(pattern.source) ?? "match the pattern \(shortened(pattern.source, to: 60))"
                    return "must \(rule) (got \(value.shortJSON))"
                }
            case .gaveUp:
                refuse(node, "pattern", .custom, expected: "text that matches \(pattern.source)", value) {
                    "the pattern \(shortened(pattern.source, to: 60)) takes too many steps on this text (got \(value.shortJSON))"
                }
            }
        }
        if let format = rules.format, !format.accepts(bytes) {
            refuse(node, "format", .invalidString, expected: format.name, value) {
                "must be \(format.name) (got \(value.shortJSON))"
            }
        }
    }

    /// Checks how many parts of a kind there are.
    mutating func checkCount(
        _ node: SchemaNode, _ count: Int, _ minimumKeyword: String, _ minimum: Int?, _ maximumKeyword: String,
        _ maximum: Int?,
        _ noun: String, _ value: ValueCursor
    ) {
        if let minimum, count < minimum {
            refuse(node, minimumKeyword, .tooSmall, expected: "at least \(counted(minimum, noun))", value) {
                minimum == 1 ? "must not be empty" : "must have at least \(counted(minimum, noun)) (has \(count))"
            }
        }
        if let maximum, count > maximum {
            refuse(node, maximumKeyword, .tooBig, expected: "at most \(counted(maximum, noun))", value) {
                maximum == 0
                    ? "must be empty (has \(counted(count, noun)))"
                    : "must have at most \(counted(maximum, noun)) (has \(count))"
            }
        }
    }
}
