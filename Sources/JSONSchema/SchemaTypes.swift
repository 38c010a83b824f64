internal import FlatValue

/// The set of JSON types that `type` allows.
struct SchemaTypes: OptionSet, Sendable {
    let rawValue: UInt8

    static let null = SchemaTypes(rawValue: 1 << 0)
    static let boolean = SchemaTypes(rawValue: 1 << 1)
    static let integer = SchemaTypes(rawValue: 1 << 2)
    static let number = SchemaTypes(rawValue: 1 << 3)
    static let string = SchemaTypes(rawValue: 1 << 4)
    static let array = SchemaTypes(rawValue: 1 << 5)
    static let object = SchemaTypes(rawValue: 1 << 6)
    static let all: SchemaTypes = [.null, .boolean, .integer, .number, .string, .array, .object]

    private static let names: [(SchemaTypes, String)] = [
        (.string, "string"), (.number, "number"), (.integer, "integer"), (.boolean, "boolean"), (.array, "array"),
        (.object, "object"), (.null, "null"),
    ]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init?(name: String) {
        guard let match = Self.names.first(where: { $0.1 == name }) else { return nil }
        self = match.0
    }

    /// The names in a fixed order; `integer` is not named beside `number`.
    var names: [String] {
        Self.names.filter { contains($0.0) && !($0.0 == .integer && contains(.number)) }.map(\.1)
    }

    var description: String { joinedAlternatives(names) }

    /// Whether a value is of one of the types as it stands.
    func contains(_ value: ValueCursor) -> Bool {
        switch value.tag {
        case .null: contains(.null)
        case .true, .false: contains(.boolean)
        case .int: !isDisjoint(with: [.integer, .number])
        case .double: contains(.number) || contains(.integer) && value.double.unsafelyUnwrapped.isIntegral
        case .string: contains(.string)
        case .array: contains(.array)
        case .object: contains(.object)
        case .emptyTable: !isDisjoint(with: [.array, .object])
        }
    }
}

extension Double {
    var isIntegral: Bool { rounded(.towardZero) == self }
}

/// `a`, `a or b`, `a, b or c`.
package func joinedAlternatives(_ words: [String], last: String = "or") -> String {
    guard let final = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(last) " + final
}
