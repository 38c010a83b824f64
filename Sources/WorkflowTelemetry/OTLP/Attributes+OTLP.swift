internal import FlatValue

/// Attributes have a `Value` of their own, as everything that a dictionary literal makes.
typealias JSONValue = FlatValue.Value

extension Attributes {
    init(_ items: [(key: String, value: Item)]) {
        self.init()
        for (key, value) in items { self[key] = value }
    }

    /// The attributes as OTLP's JSON has them.
    var otlp: JSONValue {
        JSONValue(array: items.map { ["key": JSONValue($0.key), "value": $0.value.otlp] as JSONValue })
    }
}

extension Attributes.Item {
    fileprivate var otlp: JSONValue {
        switch self {
        case .string(let text): ["stringValue": JSONValue(text)]
        case .int(let number): ["intValue": JSONValue(String(number))]
        case .double(let number): ["doubleValue": JSONValue(number.isFinite ? number : 0)]
        case .bool(let flag): ["boolValue": JSONValue(flag)]
        case .strings(let texts):
            ["arrayValue": ["values": JSONValue(array: texts.map { ["stringValue": JSONValue($0)] as JSONValue })]]
        }
    }

    /// The text of an attribute that is one.
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The number of an attribute that is a whole one.
    var number: Int64? {
        if case .int(let number) = self { number } else { nil }
    }
}

/// A time in microseconds as text in nanoseconds, as 64-bit numbers stand in OTLP's JSON.
func otlpTime(_ microseconds: Int64) -> String { String(min(max(microseconds, 0), Int64(UInt64.max / 1000))) + "000" }
