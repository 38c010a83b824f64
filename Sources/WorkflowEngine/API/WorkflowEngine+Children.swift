internal import FlatValue
internal import WorkflowCore

/// A run that another one starts.
struct ChildStart: Sendable {
    var id: String
    var workflow: String
    var input: Value
    var parent: String
    /// The code of the parent, in which the workflow is looked for that is not among those of which new runs are made.
    var generation: Generation
    /// Whether the workflow is one of that code, whatever other scripts have under its id.
    var isOwn: Bool
    /// It goes on when the parent ends.
    var leaves: Bool
    /// What the child may do: no more than the step that starts it.
    var grant: Value
    /// What it is started with for its trace; nil for nothing.
    var trace: Value?
}

/// Runs that others start.
extension WorkflowEngine {
    /// Has runs start others of these workflows. The first catalog counts.
    package func adopt(_ catalog: any WorkflowCatalog) { family.adopt(catalog) }

    /// Starts a run that another one asks for. A store that cannot be written for now, and memory that other runs have, is
    /// waited for.
    ///
    /// - Parameter hasEnded: whether the other one has come to its end meanwhile, and with it what it has started.
    func start(_ child: ChildStart, hasEnded: @Sendable () async -> Bool) async -> HostAnswer {
        let deadline = ContinuousClock.now + Self.childPatience
        while true {
            do {
                let answer: HostAnswer = .success(["run": Value(try await begin(child))])
                // Whoever ended the other one has found no child to stop.
                if !child.leaves, await hasEnded() {
                    try await cancelChildren([child.id], of: child.parent, after: nil)
                }
                return answer
            } catch {
                guard Self.mayPass(error), .now < deadline, !(await hasEnded()) else { return Self.failure(error) }
                try? await Task.sleep(for: Self.childPause)
            }
        }
    }

    /// How long a step waits for a store in which it starts a run; as long as one that goes on waits for its own entries.
    private static let childPatience = Duration.seconds(60)
    private static let childPause = Duration.milliseconds(100)

    private static func mayPass(_ error: any Error) -> Bool {
        let reason =
            (error as? RunFailure).map { JournalError.Code(rawValue: $0.code) } ?? (error as? JournalError)?.reason
        return reason.map { $0 == .notEnoughMemory || JournalError.Code.passing.contains($0) } ?? false
    }

    /// - Returns: the id of the run, which is another one where a singleton has one.
    private func begin(_ child: ChildStart) async throws -> String {
        guard let catalog = family.catalog else {
            throw RunFailure(code: "unsupported", message: "this engine knows no workflows that a run could start")
        }
        var workflow = await catalog.workflow(child.workflow)
        // New runs of the script's own workflows are made of its newest version too.
        if child.isOwn, workflow?.generation.origin != child.generation.origin { workflow = nil }
        if workflow == nil, !child.generation.id.isEmpty {
            workflow = try? await catalog.workflow(
                child.workflow, generation: child.generation.id, of: child.parent)
        }
        guard let workflow else {
            let known = await catalog.workflows().map(\.id)
            let hint = nearest(to: child.workflow, in: known).map { "; did you mean '\($0)'?" } ?? ""
            throw RunFailure(
                code: RunFailure.Code.unknownWorkflow,
                message: "there is no workflow '\(child.workflow)' to start\(hint)")
        }
        return try await begin(child, of: workflow)
    }

    private func begin(_ child: ChildStart, of workflow: Workflow) async throws -> String {
        guard journal != nil else {
            let run = createRun(workflow, id: child.id, grant: child.grant)
            run.followSuccessors()
            try run.takeMemory(child.input.byteCount)
            let digest = WorkflowRun.inputDigest(of: workflow, input: child.input, metadata: nil, ctx: nil)
            let isNew = try family.add(
                RunFamily.Child(run: run, parent: child.parent, workflow: workflow.plan.id, digest: digest))
            if isNew { try run.start(input: child.input, metadata: nil, ctx: nil, trace: child.trace) }
            return child.id
        }
        var request = StartRequest(workflow: workflow.id, input: child.input, id: child.id)
        request.reservedID = .child(named: child.id, of: child.parent)
        request.grant = child.grant
        request.parent = child.parent
        request.definition = workflow
        request.trace = child.trace
        return try await directory().start(request).id
    }

    private func directory() throws -> RunDirectory {
        guard let directory = try knownRuns() else { throw RunFailure.engineStopped }
        return directory
    }

    /// The runs of the engine's store; nil where it knows no workflows but those of the runs that it is given.
    func knownRuns() throws(RunFailure) -> RunDirectory? {
        guard let catalog = family.catalog else { return nil }
        return try RunDirectory(self, catalog: catalog)
    }

    /// Whether a run is there as one that another one started.
    func hasStarted(_ id: String, by parent: String) async throws(JournalError) -> Bool {
        guard let journal else { return family.isChild(id, of: parent) }
        return try await journal.header(of: id)?.lineage == parent
    }

    /// What a run that was started has come to, once it is over.
    ///
    /// - Parameter parent: the run that waits for it.
    func outcome(ofChild id: String, for parent: String) async -> HostAnswer {
        do {
            if try await ends(id, onlyAfter: parent) {
                return .failure(
                    code: "waits_for_itself",
                    message: id == parent
                        ? "run \(parent) would wait for its own end: a singleton gave it itself"
                        : "run \(parent) would wait for run \(id), which ends only after it: a singleton gave it that run",
                    retryable: false)
            }
            let record: RunRecord
            switch try await family.waiting(ChainWait(parent, for: id), { try await endedOrHeldUp(id, for: parent) }) {
            case .over(let ended): record = ended
            case .heldUp(let kind, let limit):
                return .failure(
                    code: "waits_for_itself",
                    message:
                        "run \(parent) would wait for run \(id), which begins only when a run has ended that waits for it or for "
                        + "one like it: "
                        + (kind == .singleton
                            ? "their workflow is a singleton"
                            : "those that wait have all \(limit) places that the concurrency limit leaves them"),
                    retryable: false)
            }
            let result = record.result()
            if record.status == .success { return .success(result.result ?? .null) }
            let error = result.error ?? .null
            let isCancelled = record.status == .cancelled
            let message =
                isCancelled
                ? "run \(record.id) was cancelled" + (result.cancelReason.map { ": " + $0 } ?? "")
                : error["message"]?.string ?? "it failed"
            var details: [(String, Value)] = [("run", Value(record.id)), ("workflow", Value(record.plan.id))]
            if let inner = error["details"] { details.append(("details", inner)) }
            return .failure(
                code: isCancelled ? "child_cancelled" : error["code"]?.string ?? "child_failed",
                message: message, retryable: false, details: Value(entries: details))
        } catch {
            return Self.failure(error)
        }
    }

    /// Whether a run is another one itself, or has started it as one that ends with it, over whatever runs in between.
    private func ends(_ id: String, onlyAfter other: String) async throws -> Bool {
        guard let journal, try await journal.header(of: id)?.lineage != other else { return false }
        var (current, seen) = (other, Set<String>())
        while current != id {
            guard seen.insert(current).inserted, let lineage = try await journal.header(of: current)?.lineage else {
                return false
            }
            if RunChain.split(lineage).base != RunChain.split(current).base {
                guard try await hasChild(current, lineage) else { return false }
            }
            current = lineage
        }
        return true
    }

    /// Whether a run has recorded that it starts another one as one that ends with it.
    private func hasChild(_ id: String, _ parent: String) async throws -> Bool {
        guard let stored = try await journal?.load(parent) else { return false }
        let plan = try await directory().plan(of: stored.header)
        return try stored.decoded(on: plan).machine.children.contains(id)
    }

    private enum ChildEnd {
        case over(RunRecord)
        /// It waits for a limit all of whose places belong to runs that wait for it, or for runs that wait as it does.
        case heldUp(QueueTicket.Share.Kind, limit: Int)
    }

    /// How long a run waits for one that is under way before the store is told.
    private static let unnotedWait = Duration.milliseconds(500)

    /// What becomes of a run for which another one waits.
    private func endedOrHeldUp(_ id: String, for parent: String) async throws -> ChildEnd {
        guard let journal, let waits = live?.waits, journal.keepsQueue else { return .over(try await ended(id)) }
        return try await withThrowingTaskGroup(of: ChildEnd?.self) { group in
            group.addTask { .over(try await self.ended(id)) }
            group.addTask {
                let isHeld = try await journal.header(of: id)?.isHeld == true
                // Most waits end before anybody has to know of them.
                if !isHeld { try await Task.sleep(for: Self.unnotedWait) }
                return try await waits.noting(ChainWait(parent, for: id), of: parent) {
                    try await self.heldUp(id, journal)
                }
            }
            defer { group.cancelAll() }
            while let end = try await group.next() { if let end { return end } }
            throw CancellationError()
        }
    }

    /// Returns once a run waits in the queue in vain. For a run that has begun it does not return before it is cancelled.
    private func heldUp(_ id: String, _ journal: any RunStore) async throws -> ChildEnd? {
        // Those that hold the places may come to wait a moment later.
        var pause = Duration.milliseconds(100)
        while try await journal.header(of: id)?.isHeld == true {
            if let (place, limit) = try await waitsInVain(id, journal) { return .heldUp(place.kind, limit: limit) }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(10))
        }
        // The wait is noted for as long as it goes on.
        try await Task.sleep(for: .seconds(1 << 30))
        return nil
    }

    private func ended(_ id: String) async throws -> RunRecord {
        guard journal == nil else { return try await directory().ended(id) }
        guard var run = family.find(id) else { throw RunFailure.missing(id) }
        var record = try await run.finished()
        while record.restartedAs != nil, let next = family.advance(id, from: run) {
            run = next
            record = try await next.finished()
        }
        return record
    }

    /// Cancels the runs that end with another one, and returns when they have stopped.
    ///
    /// - Parameter ids: what the parent has recorded that it starts: a run of such an id may be somebody else's.
    func cancelChildren(_ ids: [String], of parent: String, after ending: EventKind?) async throws {
        if ids.isEmpty { return }
        let reason = "run \(parent), which started it, has \(ending == .workflowCancelled ? "been cancelled" : "ended")"
        for id in ids {
            do {
                guard try await hasStarted(id, by: parent) else { continue }
                if journal == nil {
                    guard var run = family.find(id) else { continue }
                    let chain = RunChain.split(id).base
                    family.stops.add(chain, reason: reason)
                    defer { family.stops.remove(chain) }
                    run.cancel(reason: reason)
                    while try await run.finished().restartedAs != nil, let next = family.advance(id, from: run) {
                        run = next
                        run.cancel(reason: reason)
                    }
                } else {
                    _ = try await directory().cancel(id, reason: reason)
                }
            } catch let failure as RunFailure where failure.code != JournalError.engineStopped.code {
                // It is over already, was never begun, or has lost its code: nothing of it goes on here.
            }
        }
    }

    private static func failure(_ error: any Error) -> HostAnswer {
        if let failure = error as? RunFailure {
            return .failure(
                code: failure.code, message: failure.message,
                retryable: failure.code == JournalError.Code.notEnoughMemory.rawValue, details: failure.details)
        }
        let stored = error as? JournalError
        return .failure(code: stored?.code ?? "failed", message: stored?.message ?? "\(error)")
    }
}
