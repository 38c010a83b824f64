package import FlatValue
package import JSONSchema
internal import Synchronization

/// The place of a node in its plan; `-1` means that there is none.
package typealias NodeIndex = Int32

/// A number by which the script's side finds a callback again; 0 means that there is none.
package typealias CallbackSlot = UInt32

/// What a node of the definition tree does.
package enum NodeKind: UInt8, Sendable, BitwiseCopyable {
    /// A workflow, which is also how the run itself begins: node 0 is the workflow that was started.
    case workflow
    case step
    case branch
    case loop
    case foreach
    case parallel
    case human
    case delay
    case waitFor
}

/// A workflow made ready to run: the definition tree as one flat, immutable array of nodes.
///
/// Node 0 is the workflow itself. Every other node stands in one body, and a node that has bodies knows them by their place in
/// ``bodies``. What the run machine touches at each step is plain data in ``nodes``; what is read on rare
/// occasions lies in ``details``, by the same index.
package final class Plan: Sendable {
    /// A sequence of nodes.
    package struct Body: Sendable, Equatable {
        /// The node that runs first.
        package var first: NodeIndex
        /// The node whose body this is.
        package var owner: NodeIndex
        /// The name of a case or a branch, its index as it is written in paths where it has none.
        package var name: String
        /// The nodes in their order.
        package var members: [NodeIndex]

        package init(first: NodeIndex, owner: NodeIndex, name: String, members: [NodeIndex]) {
            self.first = first
            self.owner = owner
            self.name = name
            self.members = members
        }
    }

    package let nodes: PlainBuffer<PlanNode>
    /// The ids of the nodes as C reads them, each at its node's ``PlanNode/name``.
    private let names: PlainBuffer<CChar>
    /// The numbers of the events that nodes wait for, as in ``PlanNode/event``.
    private let events: [String: Int32]
    package let details: [NodeDetails]
    package let bodies: [Body]
    package let schemas: [Schema]
    /// The metadata that a run starts with unless it brings its own; an object.
    package let metadata: Value
    /// The ctx under the one that a run brings; an object.
    package let ctx: Value
    /// When runs begin by themselves.
    package let schedules: [Schedule]
    /// What keeps runs from beginning at once; nil where nothing does.
    package let flow: FlowControl?
    /// What runs are tagged with; nil where the workflow says nothing.
    package let tagging: RunTagging?
    /// How others start runs by HTTP.
    package let hooks: [Webhook]
    /// What is called when a run has come to its end.
    package let completion: CompletionHandlers
    /// How often one run may jump backwards before it fails.
    package let jumpLimit: Int32
    /// The schemas that call something secret.
    package let secretSchemas: Set<Int32>
    /// Whether its schemas call something of its runs secret. What a run asks of models and of other servers may do so besides.
    package let hasSecrets: Bool
    /// Whether a step of it is the turn of an agent.
    package let hasAgents: Bool
    /// Some step of it can be undone.
    package var hasCompensation: Bool { nodes.elements.contains { $0.compensate != 0 } }
    private let fingerprintMemory = Mutex<String?>(nil)

    /// What a journal has to fit to be replayed on this plan; see ``makeFingerprint()``. Computed at the first use.
    package var fingerprint: String {
        if let known = fingerprintMemory.withLock({ $0 }) { return known }
        let made = makeFingerprint()
        fingerprintMemory.withLock { $0 = made }
        return made
    }

    package init(
        nodes: some Collection<PlanNode>, details: [NodeDetails], bodies: [Body], schemas: [Schema], metadata: Value,
        ctx: Value, schedules: [Schedule] = [], flow: FlowControl? = nil, tagging: RunTagging? = nil,
        hooks: [Webhook] = [], completion: CompletionHandlers = CompletionHandlers(), jumpLimit: Int32 = 10_000
    ) {
        precondition(nodes.count == details.count && nodes.first?.kind == .workflow)
        var rows = PlainBuffer(nodes)
        var names = PlainBuffer<CChar>()
        var events: [String: Int32] = [:]
        for (node, details) in details.enumerated() {
            rows[node].name = UInt32(names.count)
            for byte in details.id.utf8 { names.append(CChar(bitPattern: byte)) }
            names.append(0)
            guard let event = details.event else { continue }
            rows[node].event = events[event, default: Int32(events.count)]
            events[event] = rows[node].event
        }
        self.events = events
        self.nodes = rows
        self.names = names
        self.details = details
        self.bodies = bodies
        self.schemas = schemas
        self.metadata = metadata
        self.ctx = ctx
        self.schedules = schedules
        self.flow = flow
        self.tagging = tagging
        self.hooks = hooks
        self.completion = completion
        self.jumpLimit = jumpLimit
        secretSchemas = Set(
            schemas.indices.filter { schemas[$0].hasSecrets }.map { Int32(clamping: $0) })
        hasSecrets = !secretSchemas.isEmpty || details.contains { $0.secrets != nil || $0.answerSecrets != nil }
        hasAgents = details.contains { $0.role == .model }
    }

    /// The same plan with other words for the code of its nodes.
    package func withCode(_ body: (String) -> String) -> Plan {
        let changed = details.map { details in
            var details = details
            details.code = body(details.code)
            return details
        }
        return Plan(
            nodes: nodes.elements, details: changed, bodies: bodies, schemas: schemas, metadata: metadata, ctx: ctx,
            schedules: schedules, flow: flow, tagging: tagging, hooks: hooks, completion: completion,
            jumpLimit: jumpLimit)
    }

    /// The id of the workflow.
    package var id: String { details[0].id }

    /// The number of an event; nil when no step waits for one of that name.
    package func number(ofEvent name: String) -> Int32? { events[name] }

    /// The id of a node with a NUL behind it; it lives as long as the plan.
    package func name(of node: NodeIndex) -> UnsafePointer<CChar> {
        names.elements.baseAddress.unsafelyUnwrapped + Int(nodes[Int(node)].name)
    }
}

/// The part of a node that the run machine reads at each step.
package struct PlanNode: Sendable, BitwiseCopyable {
    package var kind: NodeKind
    /// It may run more than once in a run, so that its occurrences have to be counted.
    package var repeats = false
    /// It stands in a body that runs beside others.
    package var concurrent = false
    /// parallel: waits for all of its branches before it fails · foreach: goes on after the error of an item.
    package var waitsForAll = false
    /// Cases, branches: they have no names but 1-based indexes.
    package var isList = false
    /// A branch that has an `otherwise`, which is its last body.
    package var hasOtherwise = false
    /// The node after it; `-1` at the end of its body. A static `next` is already in here.
    package var next: NodeIndex = -1
    /// The body that it stands in; `-1` for node 0.
    package var body: Int32 = -1
    /// Its own bodies are `bodies[firstBody ..< firstBody + bodyCount]`.
    package var firstBody: Int32 = -1
    package var bodyCount: Int32 = 0
    /// step: handler · branch: resolve · loop: condition · foreach: items · human: input · delay: duration.
    package var callback: CallbackSlot = 0
    /// loop, foreach: collect · parallel: aggregate · workflow: finalize · human: output.
    package var conclude: CallbackSlot = 0
    /// loop: prepare_next_input · step: a `next` that is a function.
    package var extra: CallbackSlot = 0
    /// step: what undoes it when its run does not succeed.
    package var compensate: CallbackSlot = 0
    /// foreach: how many items run at once · loop: the most iterations; 0 means no bound.
    package var limit: Int32 = 0
    package var inputSchema: Int32 = -1
    /// The schema of what it gives; of a human step, that of the response.
    package var outputSchema: Int32 = -1
    /// step, human, wait_for: how long it may take · delay: how long it waits; in microseconds, 0 for none. A step with a
    /// negative one goes on without any limit, one with 0 has the engine's.
    package var duration: Int64 = 0
    package var hasRetry = false
    /// Where its id begins among the plan's names.
    fileprivate(set) var name: UInt32 = 0
    /// wait_for: the number of its event; `-1` for none.
    fileprivate(set) var event: Int32 = -1

    package init(kind: NodeKind) { self.kind = kind }
}

/// The part of a node that is read on rare occasions.
package struct NodeDetails: Sendable {
    package var id: String
    package var description: String?
    /// Where the script wrote it, as `file:line`.
    package var location: String?
    package var retry: RetryPolicy?
    /// wait_for: the name of the event.
    package var event: String?
    /// human: the answer that is taken when the time is over.
    package var fallback: Value?
    /// What its own callbacks are made of: it differs where their code does. Empty for none, and where nothing is known of it.
    package var code = ""
    /// How its runs, or its spans, are traced: a boolean or an object, whose fields have been checked.
    package var telemetry: Value?
    /// What the node is to people and to traces, where it is more than its kind says.
    package var role: NodeRole?
    /// agent: what the models below it may use: `{ tokens?, cost? }`.
    package var budget: Value?
    /// What is secret in the arguments of a tool, of the node that gets them.
    package var secrets: SecretArguments?
    /// What is secret in the answers of the model, of the step that calls it in an agent's turn.
    package var answerSecrets: AnswerSecrets?
    /// What narrows the run's permissions in it and all that it holds: `false`, or an object whose fields have been checked.
    package var permissions: Value?

    package init(id: String) { self.id = id }
}

/// What a node of an agent's expansion stands for.
package enum NodeRole: String, Sendable, CaseIterable {
    /// The loop of an agent's turns.
    case agent
    /// The step of a turn that calls the model.
    case model
    /// What one call of a tool runs.
    case tool
}

/// How often and how soon a failed step is tried again.
package struct RetryPolicy: Sendable, Equatable {
    package enum Backoff: String, Sendable, CaseIterable { case constant, linear, exponential }

    /// All attempts together, the first one included.
    package var maxAttempts: Int
    package var backoff: Backoff
    /// Microseconds before the second attempt.
    package var initial: Int64
    /// The longest wait, in microseconds.
    package var maximum: Int64
    /// By what an exponential backoff grows.
    package var factor: Double
    /// The share of a wait that is left to chance, from 0 to 1.
    package var jitter: Double

    package init(
        maxAttempts: Int = 3, backoff: Backoff = .exponential, initial: Int64 = 200_000, maximum: Int64 = 60_000_000,
        factor: Double = 2, jitter: Double = 0
    ) {
        self.maxAttempts = maxAttempts
        self.backoff = backoff
        self.initial = initial
        self.maximum = maximum
        self.factor = factor
        self.jitter = jitter
    }

    /// The wait after `attempt` failed, in milliseconds; `chance` lies in 0 ..< 1.
    package func delay(after attempt: Int, chance: Double) -> Int32 {
        let steps = Double(max(attempt, 1) - 1)
        let base =
            switch backoff {
            case .constant: Double(initial)
            case .linear: Double(initial) * (steps + 1)
            case .exponential: Double(initial) * power(factor, steps)
            }
        let capped = min(base, Double(maximum))
        let jittered = capped * (1 - jitter * chance) / 1000
        // Also false for what is no number.
        guard jittered < Double(Int32.max) else { return jittered.isNaN ? 0 : .max }
        return Int32(max(jittered, 0).rounded())
    }

    private func power(_ base: Double, _ exponent: Double) -> Double {
        var result = 1.0
        for _ in 0..<min(Int(exponent), 64) { result *= base }
        return result
    }
}
