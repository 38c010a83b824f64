package import FlatValue
internal import JSONSchema

/// Whether single steps, and the values that they recorded, fit the nodes of another plan.
extension PlanMapping {
    /// The counterpart of a node that ran, after a look at what it got.
    package func fit(_ node: NodeIndex, input: Value?, at path: String) throws(Misfit) -> NodeIndex {
        guard let twin = counterpart(of: node) else { throw absence(of: node, at: path) }
        let (was, now) = (old.nodes[Int(node)], new.nodes[Int(twin)])
        if was.kind == .parallel, !hasSameBranches(node, twin) {
            throw Misfit(kind: .bodies, path: path, message: "has other branches now")
        }
        if was.kind == .parallel || was.kind == .foreach, was.waitsForAll != now.waitsForAll {
            throw Misfit(kind: .bodies, path: path, message: "has another on_error now")
        }
        if was.kind == .waitFor, old.details[Int(node)].event != new.details[Int(twin)].event {
            let event = new.details[Int(twin)].event ?? ""
            throw Misfit(kind: .event, path: path, message: "waits for the event '\(event)' now")
        }
        if let input {
            try check(input, was.inputSchema, now.inputSchema, "the recorded input does not fit input_schema", path)
        }
        return twin
    }

    /// Looks at what a node gave; of a person's step, at the answer.
    package func fit(output: Value, of node: NodeIndex, at path: String) throws(Misfit) {
        guard let twin = counterpart(of: node) else { throw absence(of: node, at: path) }
        let (was, now) = (old.nodes[Int(node)].outputSchema, new.nodes[Int(twin)].outputSchema)
        let name = old.nodes[Int(node)].kind == .human ? "response_schema" : "output_schema"
        try check(output, was, now, "the recorded output does not fit \(name)", path)
    }

    /// A value that passed a schema passes the same one again, so only another schema is asked. Functions of scripts are not.
    private func check(
        _ value: Value, _ oldSchema: Int32, _ newSchema: Int32, _ message: String, _ path: String
    ) throws(Misfit) {
        guard newSchema >= 0 else { return }
        let schema = new.schemas[Int(newSchema)]
        if oldSchema >= 0, old.schemas[Int(oldSchema)].document == schema.document { return }
        if case .invalid(let issues) = schema.validate(value) {
            throw Misfit(kind: .schema, path: path, message: "\(message): \(SchemaIssue.summary(issues))")
        }
    }

    private func hasSameBranches(_ node: NodeIndex, _ twin: NodeIndex) -> Bool {
        old.bodies(of: node).map(\.name) == new.bodies(of: twin).map(\.name)
    }
}
