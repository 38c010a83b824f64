package import FlatValue
internal import JSONSchema

/// What a run's journal has taught of secrets, entry by entry.
package struct RunSecrets: Sendable {
    package private(set) var redaction = Redaction()
    private var taken = 0
    private var served = ServedSecrets()
    /// Where the values of nodes go, as far as it has been asked for.
    private var passages: [NodeIndex: [SecretPassage]] = [:]

    package init() {}

    /// Learns from the entries that the log has more than when it was last read.
    package mutating func read(_ log: RunLog, of plan: Plan, upTo end: Int? = nil) {
        let end = min(end ?? log.count, log.count)
        while taken < end {
            read(log[taken], log, of: plan)
            taken += 1
        }
    }

    /// Learns from the next entry, whose value is needed only where it ``Plan/mayTeach(_:)``.
    package mutating func read(_ event: Event, _ log: RunLog, of plan: Plan) {
        guard plan.mayTeach(event), plan.details.indices.contains(Int(event.node)) else { return }
        let node = plan.nodes[Int(event.node)]
        let details = plan.details[Int(event.node)]
        switch event.kind {
        case .workflowStart:
            learn(log, event, node.inputSchema, plan)
            pass(log, event, plan)
        case .inputSettled: learn(log, event, node.inputSchema, plan)
        case .stepStart:
            learn(log, event, node.inputSchema, plan)
            if let secrets = details.secrets, let arguments = log.copy(event.payload)?["arguments"] {
                redaction.learn(secrets.secrets(inArguments: arguments))
            }
            if details.role == .tool, let call = log.copy(event.payload) { served.begin(call, in: event.frame) }
        // An answer of a person passes the schema that its node has for outputs.
        case .humanCompleted, .workflowSuccess:
            learn(log, event, node.outputSchema, plan)
            if event.kind == .humanCompleted { pass(log, event, plan) }
        case .stepSuccess:
            learn(log, event, node.outputSchema, plan)
            if details.role == .model, !event.payload.isNone { learn(turn: log.value(event.payload), details, plan) }
            if details.role == .tool, let result = log.copy(event.payload) {
                redaction.learn(served.secrets(inResult: result, of: event.frame))
            }
            pass(log, event, plan)
        case .modelCalled, .traced:
            guard !event.payload.isNone else { return }
            let record = log.value(event.payload)
            let isTold = record["secrets"] != nil || record["secretsInOutput"] != nil
            if isTold { redaction.learn(Self.recorded(in: Value(record))) }
            // Journals of older versions have the answer alone.
            if event.kind == .modelCalled, plan.hasSecrets || !served.arguments.isEmpty, let output = record["output"] {
                learn(output: Value(output), details, plan)
            }
        default: break
        }
    }

    private mutating func learn(_ log: RunLog, _ event: Event, _ schema: Int32, _ plan: Plan) {
        guard plan.secretSchemas.contains(schema) else { return }
        redaction.learn(log.copy(event.payload), plan.schemas[Int(schema)])
    }

    /// Learns what the schemas call secret that a value is going to pass.
    private mutating func pass(_ log: RunLog, _ event: Event, _ plan: Plan) {
        if plan.secretSchemas.isEmpty { return }
        let passages = passages[event.node] ?? plan.secretPassages(behind: event.node)
        self.passages[event.node] = passages
        guard !passages.isEmpty, let value = log.copy(event.payload) else { return }
        for passage in passages {
            redaction.learn(passage.form(of: value), plan.schemas[Int(passage.schema)])
        }
    }

    // MARK: Models

    /// The values that the record of an operation says are secret.
    package static func recorded(in record: Value?) -> [Value] {
        (record?["secrets"]?.array ?? []) + (record?["secretsInOutput"]?.array ?? [])
    }

    /// Learns from what a model said: a message, or the beginning of its JSON text where that was cut.
    private mutating func learn(output: Value, _ details: NodeDetails, _ plan: Plan) {
        guard let message = output.string.map({ Value(brokenJSON: $0) }) ?? output else { return }
        learn(message: message, details, plan)
    }

    /// Learns from the turn of an agent, `{ message?, calls?, output?, served? }`.
    private mutating func learn(turn: ValueCursor, _ details: NodeDetails, _ plan: Plan) {
        if let tools = turn["served"] { served.add(Value(tools)) }
        guard plan.hasSecrets || !served.arguments.isEmpty else { return }
        if let message = turn["message"] { learn(message: Value(message), details, plan) }
        learnCalls(turn["calls"].map { Value($0) }, plan)
        if let output = turn["output"], let secrets = details.answerSecrets {
            redaction.learn(secrets.secrets(inValue: Value(output)))
        }
    }

    private mutating func learn(message: Value, _ details: NodeDetails, _ plan: Plan) {
        learnCalls(message["tool_calls"], plan)
        if let secrets = details.answerSecrets { redaction.learn(secrets.secrets(in: message)) }
    }

    /// A model names the arguments of tools before a tool gets them: `{ name, arguments }` each, which may be JSON text.
    private mutating func learnCalls(_ calls: Value?, _ plan: Plan) {
        for call in calls?.array ?? [] {
            guard let name = call["name"]?.string, let given = call["arguments"] else { continue }
            for secrets in plan.details.compactMap(\.secrets) + served.arguments where secrets.tool == name {
                redaction.learn(secrets.secrets(inArguments: given))
            }
        }
    }
}

extension Plan {
    /// Whether an entry may teach ``RunSecrets`` something.
    package func mayTeach(_ event: Event) -> Bool {
        if hasSecrets { return true }
        switch event.kind {
        case .modelCalled, .traced: return true
        case .stepStart, .stepSuccess:
            return hasAgents && details.indices.contains(Int(event.node)) && details[Int(event.node)].role != nil
        default: return false
        }
    }
}
