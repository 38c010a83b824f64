import FlatValue
import Testing

@testable import JSONSchema

/// What a schema says of an instance, both given as JSON text: the issues, one a line, or the value as JSON.
func verdict(_ schema: String, _ instance: String, assertsFormats: Bool = false) throws -> String {
    try verdict(schema, Value(json: instance), assertsFormats: assertsFormats)
}

func verdict(
    _ schema: String, _ instance: Value, assertsFormats: Bool = false, functions: (any SchemaFunctions)? = nil
) throws -> String {
    let schema = try Schema(json: schema, options: .init(assertsFormats: assertsFormats))
    switch schema.validate(instance, functions: functions) {
    case .valid(let value): return value.json
    case .invalid(let issues): return issues.map(\.description).joined(separator: "\n")
    case .stopped: return "stopped"
    }
}

/// An unmarked empty table of Lua.
let emptyTable = Value { $0.append(ValueTag.emptyTable.rawValue) }
