internal import Platform
internal import Synchronization
internal import WorkflowCore

/// Letting a run go before it is over.
extension WorkflowRun {
    /// Lets nothing more of the run begin, waits until what is under way has ended, and gives the run back to the store,
    /// where anybody may take it up again.
    ///
    /// Code that waits for runs of other processes alone is given up at once, and begins again wherever the run is taken up.
    ///
    /// - Parameter grace: how long it waits; code that is still under way then is given up, and begins again wherever the run
    ///   is taken up.
    /// A run that somebody has cancelled goes on to its end, undoing its steps.
    ///
    /// - Parameter endsCancelled: gives a cancelled run back as well, where it has not come to its end within the grace.
    /// - Returns: whether the run has been given back; false if it is over, was cancelled meanwhile or is in no store.
    @discardableResult
    package func release(
        within grace: Duration, endsCancelled: Bool = false
    ) async throws(JournalError) -> Bool {
        let deadline = ContinuousClock.now + grace
        guard let store = live?.store, let run = attachedRun, let journaled = run.journaled else { return false }
        let quiet = Gate()
        hold { quiet.open() }
        // The worker may be deep in code that does not let go, so the time is kept elsewhere.
        let limit = Task {
            try? await Task.sleep(for: grace)
            quiet.open()
        }
        // What another process drives, or nobody any more, is waited for again wherever this run is taken up.
        let standstill = Task { [engine = live?.engine] in
            // An answer that is on its way is taken.
            var looks = 0
            while let engine, looks < 3 {
                looks = await engine.waitsForOthersElsewhere(self) ? looks + 1 : 0
                try await Task.sleep(for: .milliseconds(20))
            }
            quiet.open()
        }
        await quiet.passed()
        limit.cancel()
        standstill.cancel()
        // Whoever cancels wants to see the end.
        if run.isCancelAsked {
            guard endsCancelled else { return false }
            if await isOver(by: deadline) { return false }
            hold(evenCancelled: true) {}
        }
        try await store.release([journaled])
        let released = Gate()
        // A worker in code that does not let go does not come to this; the store refuses what it writes.
        let patience = Task {
            try? await Task.sleep(for: .milliseconds(100))
            released.open()
        }
        worker.perform { worker in
            defer { released.open() }
            guard run.lost == nil else { return }
            if run.machine.isOver {
                // It came to its end while it was held, which whoever waits is still to hear.
                run.isHeld = false
                return worker.enqueue(run)
            }
            worker.lose(run, .givenBack(self.id))
        }
        await released.passed()
        patience.cancel()
        return try await store.header(of: id)?.status.isTerminal != true
    }

    /// Waits for the end of the run; whether it has come by then.
    private func isOver(by deadline: ContinuousClock.Instant) async -> Bool {
        if standing?.status.isTerminal == true { return true }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await self.finished()) != nil }
            group.addTask {
                try? await Task.sleep(until: deadline)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    /// Lets nothing more of the run begin and calls `quiet` once nothing of it is under way and all of it is durable, or there is
    /// nothing to wait for; from any thread.
    /// A run that somebody has cancelled has an end to come to, and is not held unless `evenCancelled`.
    package func hold(evenCancelled: Bool = false, _ quiet: @escaping @Sendable () -> Void) {
        guard let run = attachedRun else { return quiet() }
        let posted = worker.perform { worker in
            if run.lost != nil || run.machine.isOver { return quiet() }
            if run.isCancelAsked, !evenCancelled { return quiet() }
            run.isHeld = true
            run.whenQuiet(quiet)
            worker.enqueue(run)
        }
        if !posted { quiet() }
    }

    /// Drops the run: nothing more happens to it here, and whoever waits for it gets the error. From any thread.
    package func abandon(_ error: JournalError) {
        guard let run = attachedRun else { return }
        worker.perform { $0.lose(run, error) }
    }

    /// Waits until the steps that ran when their process died have ended, or will not end without help.
    func passedSuspects() async {
        guard let run = attachedRun else { return }
        let gate = Gate()
        follow(SuspectFeed(gate))
        let end = Task {
            _ = try? await settled()
            gate.open()
        }
        // What is recorded is only told when more comes; so the state is looked at once by itself.
        worker.perform { _ in if !run.machine.hasCrashed { gate.open() } }
        await gate.passed()
        end.cancel()
    }
}

extension WorkflowEngine {
    /// Gives the runs that are kept in a store back to it, as they stand: code that is under way is given up, and nothing of them is
    /// recorded here any more. Runs that only this process has go on.
    ///
    /// - Returns: whether all are given back; false where the store does not answer within the time.
    package func letGo(within limit: Duration) async -> Bool {
        guard let live else { return true }
        let done = Gate()
        Task {
            // A run that ends may have begun another one meanwhile.
            for _ in 0..<3 where !live.all.isEmpty {
                await withTaskGroup { group in
                    for run in live.all {
                        group.addTask { _ = try? await run.release(within: .zero, endsCancelled: true) }
                    }
                }
            }
            done.open()
        }
        return await done.passed(within: limit) && live.all.isEmpty
    }
}

/// Opens a gate when no step of a run is suspected any more of having ended its process.
private final class SuspectFeed: EventFeed {
    private let gate: Gate

    init(_ gate: Gate) { self.gate = gate }

    func take(_ run: Run) { if !run.machine.hasCrashed { gate.open() } }
    func finish() { gate.open() }
}

extension JournalError {
    /// A run that was driven here lies in the store again, as it stood.
    static func givenBack(_ run: String) -> JournalError {
        JournalError(code: .released, message: "run \(run) has been given back to the store")
    }
}
