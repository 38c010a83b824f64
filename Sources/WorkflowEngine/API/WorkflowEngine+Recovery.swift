internal import WorkflowCore

/// Which runs are taken over that nobody drives.
package struct RecoveryScope: Sendable {
    /// Only runs of this workflow; nil for all.
    package var workflow: String?
    /// Only this run; nil for all.
    package var run: String?
    /// Runs that wait for a time are taken over if it comes before this one, in microseconds since 1970.
    package var timersUntil: Int64
    /// Runs that wait in the queue are taken over as well: nobody else lets them begin.
    package var takesQueued = false

    package init(workflow: String? = nil, run: String? = nil, timersUntil: Int64 = .max) {
        self.workflow = workflow
        self.run = run
        self.timersUntil = timersUntil
    }

    /// Whether a run would go on by itself if somebody drove it. What waits for a person is taken up with the answer.
    func wants(_ run: RunHeader) -> Bool {
        if let id = self.run, run.id != id { return false }
        switch run.status {
        case .queued, .running: return true
        case .waiting, .waitingHuman: return run.wakeAt != 0 && run.wakeAt <= timersUntil
        case .success, .failed, .cancelled: return false
        }
    }
}

/// A run that could not be taken over; it is in the store as it was.
public struct RecoveryFailure: Sendable {
    public var run: String
    public var error: any Error
}

/// Taking over runs whose process is gone.
extension WorkflowEngine {
    /// Goes on with unfinished runs of this engine's journal that nobody drives; steps that have ended are not run again.
    ///
    /// A step that was under way begins again, with the same idempotency key. If its process died in it more than once it may be
    /// the cause: such runs are taken up last and one after the other, so that they do not take others down, and end `failed`
    /// once that has happened ``RunMachine/crashLimit`` times.
    ///
    /// - Parameters:
    ///   - load: gives the workflow of a run in the generation with which it was started.
    ///   - began: hears of each run that this engine drives from now on.
    /// - Returns: the runs that could not be taken over, when all others have been handed to `began`. That takes long only if there
    ///   are runs under suspicion; cancelling the task leaves those that have not begun.
    package func recover(
        _ scope: RecoveryScope = RecoveryScope(), load: @Sendable (JournaledRun) async throws -> Workflow,
        began: @Sendable (WorkflowRun) -> Void
    ) async throws -> [RecoveryFailure] {
        guard let journal else { return [] }
        var filter = RunFilter.abandoned
        filter.workflow = scope.workflow
        var runs = Array(try await journal.list(filter).filter(scope.wants).map(\.id).reversed())
        // One that waits in the queue is taken up only by its name.
        if runs.isEmpty, let id = scope.run, try await journal.header(of: id)?.isHeld == true { runs = [id] }
        if scope.takesQueued, scope.run == nil { runs += try await queued(scope) }
        var failures: [RecoveryFailure] = []
        var suspects: [String] = []
        var rest = runs[...]
        while !rest.isEmpty, !Task.isCancelled {
            // In pieces, so that the store's thread has time for others in between.
            let ids = Array(rest.prefix(64))
            for (id, claim) in zip(ids, try await journal.claim(ids)) {
                guard let claim = Self.noting(claim, of: id, &failures),
                    let run = await takeOver(claim, &failures, holdingSuspects: true, load)
                else { continue }
                if run.isHeld {
                    suspects.append(run.run.id)
                    try await run.run.release(within: .seconds(60))
                } else {
                    began(run.run)
                }
            }
            rest = rest.dropFirst(64)
        }
        for id in suspects where !Task.isCancelled {
            guard let answer = try await journal.claim([id]).first, let claim = Self.noting(answer, of: id, &failures),
                let run = await takeOver(claim, &failures, holdingSuspects: false, load)
            else { continue }
            began(run.run)
            await run.run.passedSuspects()
        }
        return failures
    }

    /// The runs that wait in the queue and that nobody drives, oldest first, but for those whose time is far away.
    private func queued(_ scope: RecoveryScope) async throws -> [String] {
        guard let journal else { return [] }
        let held = try await journal.list(RunFilter(workflow: scope.workflow, statuses: [.queued]))
            .filter { $0.isHeld && $0.owner == nil }.map(\.id)
        let places = try await journal.places(of: held)
        return held.reversed().filter { run in
            guard case .time(let time)? = places[run]?.reason else { return true }
            return time <= scope.timersUntil
        }
    }

    /// The claim, or nil where the run cannot be read, which is noted.
    private static func noting(
        _ claim: Result<Claim, JournalError>, of id: String, _ failures: inout [RecoveryFailure]
    ) -> Claim? {
        do throws(JournalError) {
            return try claim.get()
        } catch {
            failures.append(RecoveryFailure(run: id, error: error))
            return nil
        }
    }

    private func takeOver(
        _ claim: Claim, _ failures: inout [RecoveryFailure], holdingSuspects: Bool,
        _ load: @Sendable (JournaledRun) async throws -> Workflow
    ) async -> (run: WorkflowRun, isHeld: Bool)? {
        guard case .claimed(let claimed) = claim else { return nil }
        do {
            return try await takeUp(claimed, holdingSuspects: holdingSuspects) { try await load($0.journaled) }
        } catch {
            failures.append(RecoveryFailure(run: claimed.journaled.id, error: error))
            return nil
        }
    }
}
