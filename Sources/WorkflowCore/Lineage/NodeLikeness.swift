internal import FlatValue
internal import JSONSchema

/// Whether a node does in one plan what it does in another one, as far as its own code and settings tell.
extension PlanMapping {
    /// Compares a node of the old plan with one of the new plan; what lies in their bodies does not count.
    func isAlike(_ one: NodeIndex, _ other: NodeIndex) -> Bool {
        let (left, right) = (old.details[Int(one)], new.details[Int(other)])
        let (was, now) = (old.nodes[Int(one)], new.nodes[Int(other)])
        return left.code == right.code && left.retry == right.retry && left.event == right.event
            && left.fallback == right.fallback && was.limit == now.limit && was.duration == now.duration
            && was.waitsForAll == now.waitsForAll
            && Self.document(was.inputSchema, of: old) == Self.document(now.inputSchema, of: new)
            && Self.document(was.outputSchema, of: old) == Self.document(now.outputSchema, of: new)
    }

    /// A schema without what scripts add to it, in which functions go by numbers that each load gives anew.
    private static func document(_ schema: Int32, of plan: Plan) -> Value? {
        schema < 0 ? Value?.none : plan.schemas[Int(schema)].document.withoutExtensions
    }
}

extension Value {
    fileprivate var withoutExtensions: Value {
        if let array { return Value(array: array.map(\.withoutExtensions)) }
        guard let entries else { return self }
        return Value(entries: entries.filter { $0.key != "x-aikit" }.map { ($0.key, $0.value.withoutExtensions) })
    }
}
