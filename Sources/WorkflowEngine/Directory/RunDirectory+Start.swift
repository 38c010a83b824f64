internal import Synchronization
public import WorkflowCore

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
    /// What the run's trace is to be, as its journal keeps it: `{ telemetry?, traceparent? }`.
    package var trace: Value?

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
}

extension RunDirectory {
    /// Starts a run, once for each id, and returns as soon as the store has it.
    ///
    /// - Throws: ``RunFailure`` with `unknown_workflow`, or `id_taken` when a run of another workflow has the id.
    public func start(_ request: StartRequest) async throws -> StartedRun {
        if let id = request.id, let known = try await existing(id, request) { return known }
        guard let workflow = await catalog.workflow(request.workflow) else {
            throw RunFailure(code: "unknown_workflow", message: "there is no workflow '\(request.workflow)'")
        }
        let run = engine.createRun(workflow, id: request.id)
        let recorded = RecordedFeed()
        run.follow(recorded)
        try run.start(
            input: request.input, metadata: request.metadata, ctx: request.ctx, trace: request.trace)
        await recorded.gate.passed()
        guard !recorded.hasEvents else { return StartedRun(id: run.id, isNew: true) }
        do {
            _ = try await run.settled()
            return StartedRun(id: run.id, isNew: true)
        } catch let failure as RunFailure where failure.code == "conflict" {
            // Another call of this engine was first, and its run may not be in the store yet.
            while live.find(run.id) != nil {
                if let known = try await existing(run.id, request) { return known }
                try await Task.sleep(for: .milliseconds(1))
            }
            guard let known = try await existing(run.id, request) else { throw failure }
            return known
        }
    }

    private func existing(_ id: String, _ request: StartRequest) async throws -> StartedRun? {
        guard let header = try await store.header(of: id) else { return nil }
        guard header.workflow == request.workflow else {
            throw RunFailure(
                code: "id_taken",
                message: "run '\(id)' is one of workflow '\(header.workflow)', not of '\(request.workflow)'")
        }
        return StartedRun(id: id, isNew: false)
    }
}

/// Opens a gate when a run has its first durable event.
private final class RecordedFeed: EventFeed {
    let gate = Gate()
    private let seen = Atomic<Bool>(false)

    var hasEvents: Bool { seen.load(ordering: .acquiring) }

    func take(_ run: Run) {
        // A feed that follows before the run begins is told of an empty log.
        guard run.durableEvents > 0 else { return }
        seen.store(true, ordering: .releasing)
        gate.open()
    }

    func finish() { gate.open() }
}
