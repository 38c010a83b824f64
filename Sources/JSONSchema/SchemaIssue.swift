public import FlatValue

/// One thing that is wrong with a value.
public struct SchemaIssue: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of thing is wrong: zod's codes as far as they fit.
    public enum Code: String, Sendable, CaseIterable {
        case invalidType = "invalid_type"
        case invalidLiteral = "invalid_literal"
        case invalidEnumValue = "invalid_enum_value"
        case invalidString = "invalid_string"
        case invalidUnion = "invalid_union"
        case invalidUnionDiscriminator = "invalid_union_discriminator"
        case unrecognizedKeys = "unrecognized_keys"
        case tooSmall = "too_small"
        case tooBig = "too_big"
        case notMultipleOf = "not_multiple_of"
        case notUnique = "not_unique"
        /// The schema allows nothing here.
        case notAllowed = "not_allowed"
        /// A function of the script, or a rule that has no code of its own.
        case custom
    }

    /// The place in the value as a script writes it, lists counted from 1: `items[3].price`; empty for the value itself.
    public let path: String
    /// The place as a JSON pointer, lists counted from 0: `/items/2/price`.
    public let pointer: String
    /// The keyword that refuses, as a pointer into the schema: `#/properties/price/minimum`.
    public let keywordLocation: String
    public let code: Code
    /// What the schema asks for, in a few words.
    public let expected: String
    /// What came, in a few words.
    public let received: String
    /// What is wrong, without the path.
    public let message: String

    public init(
        path: String, pointer: String, keywordLocation: String, code: Code, expected: String, received: String,
        message: String
    ) {
        self.path = path
        self.pointer = pointer
        self.keywordLocation = keywordLocation
        self.code = code
        self.expected = expected
        self.received = received
        self.message = message
    }

    /// The path and the message: `items[3].price: must be at least 0 (got -2)`.
    public var description: String { path.isEmpty ? message : "\(path): \(message)" }

    /// The issue as a value, for events and results.
    public var value: Value {
        [
            "path": Value(path), "pointer": Value(pointer), "keywordLocation": Value(keywordLocation),
            "code": Value(code.rawValue), "expected": Value(expected), "received": Value(received),
            "message": Value(message),
        ]
    }

    /// All issues in one text: alone on its line, or a list after how many there are.
    public static func summary(_ issues: [SchemaIssue]) -> String {
        guard issues.count != 1 else { return issues[0].description }
        let count = issues.count >= maximumCount ? "\(maximumCount) or more" : issues.count.description
        return (["\(count) problems:"] + issues.map { "  " + $0.description }).joined(separator: "\n")
    }

    /// The issues in the order of their paths, keys by name and items by index; those of one place as they were.
    static func inOrder(_ issues: [SchemaIssue]) -> [SchemaIssue] {
        let places = issues.map { JSONPointer.tokens($0.pointer) ?? [] }
        func comes(_ left: Int, before right: Int) -> Bool {
            for (one, other) in zip(places[left], places[right]) where one != other {
                if let first = Int(one), let second = Int(other) { return first < second }
                return one < other
            }
            let (one, other) = (places[left].count, places[right].count)
            return one == other ? left < right : one < other
        }
        return issues.indices.sorted(by: comes).map { issues[$0] }
    }

    /// No more issues of one value are told than this.
    public static let maximumCount = 100
}
