internal import FlatValue

/// One kind of value that a schema takes: a single type with what is known of it.
struct FitCase {
    /// One type, or all of them where nothing is said.
    var types: SchemaTypes
    /// The only values that there are.
    var values: [Value]?
    var numbers = FitRange()
    var lengths = FitRange()
    var counts = FitRange()
    var prefix: [NodeID] = []
    var items: NodeID?
    /// The schemas of each declared key.
    var properties: [(key: String, nodes: [NodeID])] = []
    /// Keys that are always there (producer), or must be (consumer).
    var required: Set<String> = []
    /// Keys that a default fills in.
    var defaulted: Set<String> = []
    var additional: NodeID?
    /// Whether other keys than the declared ones never come out, and whether they are refused.
    var isClosed = false
    var isStrict = false
    /// Whether other types are converted before the check.
    var coerces = false

    var isAny: Bool { types == .all && values == nil }

    /// The case in words.
    func words(_ graph: SchemaGraph) -> String {
        if let values { return SchemaWords.list(values) }
        if types == .array, let items, graph[items].rules.verdict == nil {
            return "array of \(SchemaWords(graph).expectation(of: items))"
        }
        return types == .all ? "anything" : types.description
    }

    func nodes(ofKey key: String) -> [NodeID]? { properties.first { $0.key == key }?.nodes }
}

/// Bounds of a number, a length or a count.
struct FitRange: Equatable {
    var low = -Double.infinity
    var high = Double.infinity
    var isBounded: Bool { low > -.infinity || high < .infinity }

    func intersection(_ other: FitRange) -> FitRange { FitRange(low: max(low, other.low), high: min(high, other.high)) }
    func isDisjoint(with other: FitRange) -> Bool { low > other.high || high < other.low }
    func isContained(in other: FitRange) -> Bool { low >= other.low && high <= other.high }

    func words(_ noun: String) -> String {
        func text(_ number: Double) -> String {
            number.isIntegral && abs(number) < 1e15 ? String(Int64(number)) : number.description
        }
        if low == high { return "\(text(low))\(noun)" }
        if low == -.infinity { return "at most \(text(high))\(noun)" }
        return high == .infinity ? "at least \(text(low))\(noun)" : "\(text(low)) to \(text(high))\(noun)"
    }
}
