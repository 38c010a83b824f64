package import FlatValue

/// What a run's journal has taught of secrets, entry by entry.
package struct RunSecrets: Sendable {
    package private(set) var redaction = Redaction()
    private var taken = 0

    package init() {}

    /// Learns from the entries that the log has more than when it was last read.
    package mutating func read(_ log: RunLog, of plan: Plan, upTo end: Int? = nil) {
        guard plan.hasSecrets else { return }
        let end = min(end ?? log.count, log.count)
        while taken < end {
            read(log[taken], log, of: plan)
            taken += 1
        }
    }

    /// Learns from the next entry.
    package mutating func read(_ event: Event, _ log: RunLog, of plan: Plan) {
        guard plan.hasSecrets, plan.details.indices.contains(Int(event.node)) else { return }
        let node = plan.nodes[Int(event.node)]
        switch event.kind {
        case .workflowStart, .inputSettled: learn(log, event, node.inputSchema, plan)
        case .stepStart:
            learn(log, event, node.inputSchema, plan)
            if let secrets = plan.details[Int(event.node)].secrets {
                redaction.learn(log.copy(event.payload)?["arguments"], secrets.schema)
            }
        // An answer of a person passes the schema that its node has for outputs.
        case .humanCompleted, .workflowSuccess: learn(log, event, node.outputSchema, plan)
        case .stepSuccess:
            learn(log, event, node.outputSchema, plan)
            if plan.details[Int(event.node)].role == .model {
                learnCalls(log.copy(event.payload)?["calls"], plan)
            }
        case .modelCalled: learnCalls(log.copy(event.payload)?["output"]?["tool_calls"], plan)
        default: break
        }
    }

    private mutating func learn(_ log: RunLog, _ event: Event, _ schema: Int32, _ plan: Plan) {
        guard plan.secretSchemas.contains(schema) else { return }
        redaction.learn(log.copy(event.payload), plan.schemas[Int(schema)])
    }

    /// A model names the arguments of tools before a tool gets them: `{ name, arguments }` each, which may be JSON text.
    private mutating func learnCalls(_ calls: Value?, _ plan: Plan) {
        for call in calls?.array ?? [] {
            guard let name = call["name"]?.string, let given = call["arguments"] else { continue }
            let arguments = given.string.flatMap { (try? Value(json: $0)) ?? Value(brokenJSON: $0) } ?? given
            for secrets in plan.details.compactMap(\.secrets) where secrets.tool == name {
                redaction.learn(arguments, secrets.schema)
            }
        }
    }
}
