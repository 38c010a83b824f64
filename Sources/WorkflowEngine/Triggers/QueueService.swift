internal import Platform
internal import WorkflowCore

/// Lets queued runs begin as their limits allow: runs of its engine, and those that nobody drives.
///
/// Any number of services may serve one store, in one process or in several; the store lets each run begin once. An engine
/// without one looks after the runs that it drives itself, and begins no others.
///
/// ```swift
/// let queue = QueueService(directory)
/// await queue.run()        // until its task is cancelled
/// ```
public final class QueueService: Sendable {
    private let directory: RunDirectory
    private let failed: @Sendable (_ run: String, _ error: any Error) -> Void
    private let replacements = Replacements()

    /// How many runs one look at the queue lets begin.
    private static let most = 64

    /// - Parameter failed: hears of each run that cannot begin; on any thread.
    public init(
        _ directory: RunDirectory,
        failed: @escaping @Sendable (_ run: String, _ error: any Error) -> Void = { _, _ in }
    ) {
        self.directory = directory
        self.failed = failed
    }

    public func run() async {
        // What a run that is cancelled takes to be undone holds no others up.
        await withDiscardingTaskGroup { group in
            await run { run, other in group.addTask { await self.replace(run, by: other) } }
        }
    }

    private func run(_ replace: (_ run: String, _ other: String) -> Void) async {
        let (bell, store) = (directory.live.bell, directory.store)
        guard store.keepsQueue else { return }
        bell.serve(true)
        defer {
            bell.serve(false)
            QueueTending.begin(directory.live)
        }
        var changes: Int64 = -1
        while !Task.isCancelled {
            let gate = bell.next
            guard let (next, replaced) = await look() else {
                _ = await gate.passed(within: QueueTending.interval)
                continue
            }
            for (run, other) in replaced { replace(run, other) }
            // What other processes write may let runs begin too.
            changes = (try? await store.changeCount()) ?? changes
            var watch = ClockWatch()
            _ = watch.isSetBack(at: directory.engine.clock.now())
            var isFirst = true
            while !Task.isCancelled {
                // The clock is read each time: one that is set comes to the time earlier, or much later.
                let now = directory.engine.clock.now()
                if watch.isSetBack(at: now) || !isFirst && next != 0 && next <= now { break }
                isFirst = false
                let rest = next == 0 ? QueueTending.interval : .microseconds(max(next.clamped(subtracting: now), 1000))
                if await gate.passed(within: min(rest, QueueTending.interval)) { break }
                if (try? await store.changeCount()) != changes { break }
            }
        }
    }

    /// Lets begin what may by the engine's clock, and returns when the runs that others replace are cancelled.
    ///
    /// - Returns: when more may begin because time has passed, in microseconds since 1970; 0 for never.
    @discardableResult
    public func begin() async -> Int64 {
        guard let (next, replaced) = await look() else { return 0 }
        await withDiscardingTaskGroup { group in
            for (run, other) in replaced { group.addTask { await self.replace(run, by: other) } }
        }
        return next
    }

    /// - Returns: as ``begin()`` does, and which runs are to be cancelled, with those that take their places; nil where the store
    ///   cannot be read now and is to be looked at again.
    private func look() async -> (next: Int64, replaced: [String: String])? {
        var pass = QueuePass()
        var replaced: [String: String] = [:]
        repeat {
            guard let next = try? await directory.store.admit(.all, limit: Self.most) else { return nil }
            pass = next
            for (run, claim) in pass.claims { await begin(run, claim) }
            for (run, other) in pass.replaced { replaced[run] = other }
        } while pass.isMore && !Task.isCancelled
        return (pass.nextAt, replaced)
    }

    private func begin(_ id: String, _ claim: Result<Claim, JournalError>) async {
        do {
            guard case .claimed(let claimed) = try claim.get() else { return }
            // One that is let go is taken up like any run whose process died: it has its places, and the message that lets it begin.
            _ = try await directory.engine.takeUp(claimed) { try await directory.workflow(of: $0.stored.header) }
        } catch {
            failed(id, error)
        }
    }

    private func replace(_ run: String, by other: String) async {
        do { try await replacements.cancel(run, for: other, in: directory) } catch {
            if !Task.isCancelled { failed(run, error) }
        }
    }
}

extension WorkflowEngine {
    /// Leaves it to somebody else to let the engine's queued runs begin; said before there are any.
    package func leaveQueue() { live?.bell.serve(true) }

    /// Leaves what the runs of this engine do to others to the process on whose behalf it drives them; before any run is begun.
    package func beHosted() {
        for worker in workers { worker.perform { $0.isHosted = true } }
    }
}
