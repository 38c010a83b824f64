internal import Platform
internal import Synchronization

/// Where a command stands that serves until it is told to end: it starts, serves, and ends. Any thread.
///
/// While it starts, a signal ends the process at once, since nothing could be lost yet and what it waits for need not come. Once it
/// serves, the first signal asks it to end in good order, and a second SIGTERM or SIGINT ends the process. A hangup may come
/// several times at once and is never a second signal.
final class ServicePhase: Sendable {
    private let start = StartPhase()
    private let end = Gate()

    private let giveUp = Mutex<@Sendable () -> Void>({})

    /// Listens for signals. Called once, before any other thread exists.
    func listen() {
        Interrupts.install { [self] in
            giveUp.withLock { $0 }()
        } onSignal: { [self] _, count in
            end.open()
            return start.isOver && count == 1 ? .goesOn : .ends
        }
    }

    /// The start is over: from now on the command heeds ``ended()``.
    ///
    /// - Parameter giveUp: hears that the process ends without that, since its tasks stand still; on a thread of its own.
    func serve(orGiveUp giveUp: @escaping @Sendable () -> Void) {
        self.giveUp.withLock { $0 = giveUp }
        start.end()
    }

    /// Asks the command to end.
    func finish() { end.open() }

    var isEnding: Bool { end.isOpen }

    /// Returns when the command is to end, or the task is cancelled.
    func ended() async { await end.passedUnlessCancelled() }

    /// Does what the command is there for, to its end in good order.
    ///
    /// What waits for a store that does not answer heeds no cancellation, so that it is left behind when the time is over; the
    /// process is to end then.
    ///
    /// - Parameter limit: how long it may take once the command is to end.
    /// - Returns: what `body` gives; nil where it did not end in time.
    func heed<Result: Sendable>(
        within limit: Duration, _ body: @escaping @Sendable () async -> Result
    ) async -> Result? {
        let over = Gate()
        let result = Mutex<Result?>(nil)
        Task {
            let value = await body()
            result.withLock { $0 = value }
            over.open()
        }
        let timer = Task {
            await ended()
            try? await Task.sleep(for: limit)
            over.open()
        }
        await over.passed()
        timer.cancel()
        return result.withLock { $0 }
    }
}
