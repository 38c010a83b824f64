public import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowCore

/// What a run is to be started with.
public struct StartRequest: Sendable {
    public var workflow: String
    public var input: Value
    /// The run's id; nil makes one. A run of the same workflow that has it is given instead of a new one.
    public var id: String?
    /// In place of the workflow's; an object.
    public var metadata: Value?
    /// Merged over the workflow's; an object.
    public var ctx: Value?
    /// How long the run may take from its beginning; it is cancelled then. Nil for any time.
    public var timeout: Duration?
    /// When the run begins, in microseconds since 1970; nil for at once. Until then it is `queued`.
    public var startAt: Int64?
    /// Before runs with a lower one, where the workflow's limits let runs wait; nil for what the workflow says.
    public var priority: Int64?
    /// What the run is found by besides what its workflow says: an object of names with texts, numbers and booleans.
    public var tags: Value?
    /// Whether nothing of the run is kept where the input does not fit the workflow's schema: the start throws `invalid_input` then.
    /// Otherwise there is a run that failed so.
    public var refusesInput = false
    /// What its trace is to be besides what its workflow says, as ``WorkflowEngine/createRun(_:id:telemetry:traceparent:)`` has it.
    public var telemetry: Value?
    /// The span of the caller, as W3C's header, in whose trace the run lies; nil for a trace of its own.
    public var traceparent: String?
    /// What the run's host calls may do, as it is kept in its journal.
    package var grant = Value.null
    /// The run that starts this one, and drives it while it waits.
    package var parent: String?
    /// In place of ``id``, which is not looked at then.
    package var reservedID: ReservedRunID?
    /// In place of the catalog's.
    package var definition: Workflow?
    /// What the run's trace is to be, as its journal keeps it: `{ telemetry?, traceparent? }`; in place of ``telemetry`` and
    /// ``traceparent``.
    package var trace: Value?

    package var newID: NewRunID? {
        get { reservedID.map(NewRunID.reserved) ?? id.map(NewRunID.chosen) }
        set {
            (id, reservedID) = (nil, nil)
            switch newValue {
            case .chosen(let chosen): id = chosen
            case .reserved(let reserved): reservedID = reserved
            case nil: break
            }
        }
    }

    public init(workflow: String, input: Value, id: String? = nil, metadata: Value? = nil, ctx: Value? = nil) {
        self.workflow = workflow
        self.input = input
        self.id = id
        self.metadata = metadata
        self.ctx = ctx
    }
}

/// A run that a request named: a new one, or the one that had the id before.
public struct StartedRun: Sendable {
    public var id: String
    public var isNew: Bool
    /// It waits until the limits of its workflow let it begin.
    public var isQueued = false
    /// The run where this engine has made it: it is asked in place of the store.
    var run: WorkflowRun?
}

extension RunDirectory {
    /// Starts a run, once for each id, and returns as soon as the store has it.
    ///
    /// - Throws: ``RunFailure`` with `unknown_workflow`, `id_taken` when a run of another workflow has the id, or `other_input`
    ///   when the run that has it was started with something else, `invalid_tags` when the tags are none,
    ///   `invalid_telemetry` when the telemetry is none, `invalid_input` as ``StartRequest/refusesInput`` says.
    public func start(_ request: StartRequest) async throws -> StartedRun {
        var workflow = request.definition
        if workflow == nil { workflow = await catalog.workflow(request.workflow) }
        let newID = request.newID
        if let newID {
            if let known = try await existing(newID.text, request, workflow) { return known }
            try newID.check()
        }
        guard let workflow else {
            throw RunFailure(
                code: RunFailure.Code.unknownWorkflow, message: "there is no workflow '\(request.workflow)'")
        }
        let tags: RunTags
        do throws(RunTagFault) {
            tags = try request.tags.map { value throws(RunTagFault) in try RunTags(value) } ?? .none
        } catch {
            throw RunFailure(code: "invalid_tags", message: error.description)
        }
        var trace = request.trace
        if trace == nil, request.telemetry != nil || request.traceparent != nil {
            trace = try RunTelemetry(request.telemetry, traceparent: request.traceparent).trace
        }
        let run = engine.createRun(workflow, id: newID?.text, grant: request.grant)
        let recorded = RecordedFeed()
        run.follow(recorded)
        try run.start(
            input: request.input, metadata: request.metadata, ctx: request.ctx, timeout: request.timeout,
            at: request.startAt ?? 0, trace: trace, tags: StartTags(given: tags),
            lineage: request.parent,
            queueing: Queueing(priority: request.priority, isLeft: request.parent == nil),
            refusesInput: request.refusesInput)
        do {
            let isQueued = try await run.begun(told: recorded)
            return StartedRun(
                id: run.id, isNew: true, isQueued: isQueued, run: recorded.hasEvents ? run : nil)
        } catch let failure as RunFailure where failure.code == RunFailure.Code.conflict {
            // Another call of this engine was first, and its run may not be in the store yet.
            while live.find(run.id) != nil {
                if let known = try await existing(run.id, request, workflow) { return known }
                try await Task.sleep(for: .milliseconds(1))
            }
            guard let known = try await existing(run.id, request, workflow) else { throw failure }
            return known
        } catch let failure as RunFailure where failure.code == RunFailure.Code.singleton {
            guard let rival = failure.details?["runId"]?.string else { throw failure }
            return StartedRun(id: rival, isNew: false)
        }
    }

    private func existing(_ id: String, _ request: StartRequest, _ workflow: Workflow?) async throws -> StartedRun? {
        guard let header = try await store.header(of: id) else { return nil }
        guard header.workflow == request.workflow else {
            throw RunFailure(
                code: RunFailure.Code.idTaken,
                message: "the id '\(id)' is taken by a run that is none of '\(request.workflow)'")
        }
        guard request.parent != id else { throw RunFailure.ownChild(id) }
        guard request.parent == nil || header.lineage == request.parent else {
            throw RunFailure(
                code: RunFailure.Code.idTaken, message: "run '\(id)' was not started by run '\(request.parent ?? "")'")
        }
        // What nothing is recorded of may do what the step may that starts it, once more.
        if request.parent != nil, header.origin.grant.isNull { engine.family.allow(id, request.grant) }
        guard let recorded = header.origin.inputDigest else { return StartedRun(id: id, isNew: false) }
        func began(on plan: Plan) -> Bool {
            let (metadata, ctx) = WorkflowRun.origins(request.metadata, request.ctx, of: plan)
            return recorded == RunOrigin.digest(input: request.input, metadata: metadata, ctx: ctx)
        }
        // The workflow's own metadata and ctx count as well, and may have changed since.
        let isSame: Bool
        if let workflow, began(on: workflow.plan) {
            isSame = true
        } else {
            isSame = began(on: try await plan(of: header))
        }
        guard isSame else {
            throw RunFailure(
                code: RunFailure.Code.otherInput, message: "run '\(id)' was started with another input, metadata or ctx"
            )
        }
        return StartedRun(id: id, isNew: false)
    }
}

/// Opens a gate when a run has its first durable event.
final class RecordedFeed: EventFeed {
    private let gate = Gate()
    private let seen = Atomic<Bool>(false)
    private let queued = Atomic<Bool>(false)

    var hasEvents: Bool { seen.load(ordering: .acquiring) }
    var isQueued: Bool { queued.load(ordering: .acquiring) }

    /// Returns when the run has a durable event, or is lost.
    func passed() async { await gate.passed() }

    func take(_ run: Run) {
        // A feed that follows before the run begins is told of an empty log. What no store keeps is as durable as it will be.
        guard run.durableEvents > 0 || run.journaled == nil && run.log.count > 0 else { return }
        if run.machine.isQueued { queued.store(true, ordering: .releasing) }
        seen.store(true, ordering: .releasing)
        gate.open()
    }

    func finish() { gate.open() }
}

extension WorkflowRun {
    /// Returns when the store has the run, or nobody will.
    ///
    /// - Parameter feed: follows the run since before it began.
    /// - Returns: whether it waits in the queue.
    /// - Throws: why it could not begin.
    func begun(told feed: RecordedFeed) async throws -> Bool {
        await feed.passed()
        if feed.hasEvents { return feed.isQueued }
        do {
            _ = try await settled()
            return false
        } catch let failure as RunFailure where failure.isOfQueue {
            // It was given to the queue before what it had recorded was told.
            return true
        }
    }
}
