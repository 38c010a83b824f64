internal import Synchronization
package import WorkflowCore

/// Every run of a store by its id, wherever it is: driven by this engine, by another process, or by nobody.
///
/// It is what servers and tools are made of. A run that nobody drives is taken up here when something is done to it
/// that needs its code. Errors are ``RunFailure``, whose `code` says what is wrong: `missing`, `unknown_workflow`,
/// `id_taken`, `over`, `not_waiting`, `ambiguous_step`, `invalid_response`, `unknown_event`, `invalid_event`,
/// `run_active`, `code_missing`; a store that fails throws ``JournalError``.
///
/// ```swift
/// let directory = try RunDirectory(engine, catalog: FixedCatalog([order]))
/// let started = try await directory.start(StartRequest(workflow: "order", input: ["id": 7]))
/// let record = try await directory.settled(started.id)
/// ```
public final class RunDirectory: Sendable {
    public let engine: WorkflowEngine
    public let catalog: any WorkflowCatalog
    package let store: any RunStore
    let live: LiveRuns

    /// - Throws: ``RunFailure`` with the code `no_store` for an engine that keeps no runs.
    public init(_ engine: WorkflowEngine, catalog: any WorkflowCatalog) throws(RunFailure) {
        guard let store = engine.journal, let live = engine.live else {
            throw RunFailure(
                code: RunFailure.Code.noStore, message: "a run directory needs an engine that keeps its runs in a store"
            )
        }
        self.engine = engine
        self.catalog = catalog
        self.store = store
        self.live = live
        engine.adopt(catalog)
    }

    /// The events of all runs of the engine.
    public var events: EventHub { live.hub }

    /// Where a run is.
    package enum Opened: Sendable {
        /// This engine drives it.
        case live(WorkflowRun)
        /// Another process drives it.
        case foreign(ForeignRun, RunHeader)
        /// Nobody drives it, and it is not over.
        case stored(RunHeader)
        case over(RunHeader)
        case missing
    }

    package func open(_ id: String) async throws -> Opened {
        while true {
            if let run = live.find(id) { return .live(run) }
            guard let header = try await store.header(of: id) else { return .missing }
            if header.status.isTerminal { return .over(header) }
            guard let owner = header.owner else { return .stored(header) }
            if !owner.isSelf {
                return .foreign(ForeignRun(header, plan: try await plan(of: header), store: store), header)
            }
            // It is being built here, or has ended a moment ago.
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// A run that this engine drives from now on, if nobody else does.
    package func takeUp(_ header: RunHeader) async throws -> WorkflowRun? {
        if let run = live.find(header.id) { return run }
        guard case .claimed(let claimed) = try await store.claim(header.id) else { return nil }
        return try await engine.takeUp(claimed) { try await workflow(of: $0.stored.header) }
    }

    // MARK: Looking

    /// The path of the step that a run undoes at the moment, whoever drives it; nil where it undoes none, or where that cannot be
    /// told: its code is gone, or the store cannot be read.
    ///
    /// Free for runs that this engine drives. Of the others it reads the entries, where their workflow has steps that can be undone.
    package func undoing(_ header: RunHeader) async -> String? { await undoing(of: [header])[header.id] }

    /// The same of several runs, by their ids. It reads no more than ``entriesRead`` entries, of the first runs.
    package func undoing(of headers: [RunHeader]) async -> [String: String] {
        var paths: [String: String] = [:]
        var entries = 0
        for header in headers where header.status == .running || header.status == .waiting {
            if let run = live.find(header.id) {
                paths[header.id] = run.state.withLock { $0.undoing }
                continue
            }
            guard header.sequence <= Self.entriesRead - entries, let plan = try? await plan(of: header),
                plan.hasCompensation
            else { continue }
            entries += header.sequence
            guard let stored = try? await store.load(header.id) else { continue }
            paths[header.id] = try? stored.decoded(on: plan).machine.undoing?.path
        }
        return paths
    }

    /// How many entries of other runs are read to find out what they undo.
    private static let entriesRead = 20_000

    package func header(of id: String) async throws -> RunHeader {
        guard let header = try await store.header(of: id) else { throw RunFailure.missing(id) }
        return header
    }

    /// A run as the store has it now.
    public func record(of id: String) async throws -> RunRecord {
        guard let stored = try await store.load(id) else { throw RunFailure.missing(id) }
        return try RunRecord(stored, plan: try await plan(of: stored.header))
    }

    /// Runs that pass a filter, newest first.
    package func list(_ filter: RunFilter) async throws -> [RunHeader] { try await store.list(filter) }

    /// The events of a run: those that it has recorded after a sequence, then those that it goes on to record. Ends
    /// with the run.
    public func events(of id: String, after sequence: Int = 0) async throws -> EventSubscription {
        var plan = live.find(id)?.definition.plan
        if plan == nil { plan = try await self.plan(of: header(of: id)) }
        guard let plan else { throw RunFailure.missing(id) }
        let subscription = await events.follow(id, plan: plan, after: sequence)
        // The notice that the run has settled may have come before the subscription, also from a run that the queue gave back
        // meanwhile.
        try? await live.find(id)?.onWorker { _, run in
            if run.settledEvents == run.log.count { subscription.queue.post(.settled(id)) }
        }
        return subscription
    }

    /// The events that a run has recorded up to now, after a sequence.
    package func recorded(of id: String, after sequence: Int = 0) async throws -> RunEventPages {
        let header = try await header(of: id)
        return RunEventPages(header, plan: try await plan(of: header), after: sequence, events)
    }

    package func plan(of header: RunHeader) async throws -> Plan { try await workflow(of: header).plan }

    func workflow(of header: RunHeader) async throws -> Workflow {
        try await catalog.workflow(header.workflow, generation: header.generation, of: header.id)
    }
}

extension RunFailure {
    static func missing(_ id: String) -> RunFailure {
        RunFailure(code: RunFailure.Code.missing, message: "there is no run '\(id)'")
    }

    /// A run asks for a child by its own id.
    static func ownChild(_ id: String) -> RunFailure {
        RunFailure(
            code: RunFailure.Code.idTaken,
            message: "run '\(id)' cannot start a run of its own id; give another one, or none")
    }

    static func over(_ header: RunHeader) -> RunFailure {
        RunFailure(
            code: RunFailure.Code.over,
            message: "run \(header.id) is over (\(header.status.rawValue)); it waits for nobody")
    }
}
