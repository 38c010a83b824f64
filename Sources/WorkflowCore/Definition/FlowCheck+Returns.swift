internal import FlatValue
internal import JSONSchema

extension FlowCheck {
    /// Compares handlers that return nothing at all with what needs a value of them.
    mutating func checkReturns() {
        for index in NodeIndex(0)..<NodeIndex(plan.nodes.count) where plan.nodes[Int(index)].kind == .step {
            let node = plan.nodes[Int(index)]
            guard shapes[plan.details[Int(index)].id, "handler"] == .choices([.null]) else { continue }
            let need: String
            if let output = schema(node.outputSchema) {
                guard refusesNothing(output) else { continue }
                need = "its output_schema"
            } else if node.next > index, let input = schema(plan.nodes[Int(node.next)].inputSchema),
                refusesNothing(input)
            {
                need = "the input_schema of \(name(node.next))"
            } else {
                continue
            }
            report(
                "the handler of \(name(index)) returns nothing, and \(need) needs a value: is a `return` missing?",
                index,
                "missing_return", severity: .warning, path: "handler", isFinding: true)
        }
    }

    private func refusesNothing(_ schema: Schema) -> Bool {
        if case .invalid = schema.validate(Value.null) { true } else { false }
    }
}
