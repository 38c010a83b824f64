internal import Synchronization
internal import WorkflowEngine

/// The clock of a bench: it jumps like ``VirtualClock``, but over nothing that a test may want to come before.
final class TestClock: EngineClock {
    private let time: VirtualClock
    private let watch = Mutex<(@Sendable (Int64) -> Bool)?>(nil)

    init(startingAt microseconds: Int64) { time = VirtualClock(startingAt: microseconds) }

    func now() -> Int64 { time.now() }

    /// Sets the time, to an earlier one too.
    func set(_ microseconds: Int64) { time.set(microseconds) }

    /// Has `mayPass` asked before each jump, with the time that the clock is about to show. Whoever refuses gives a worker
    /// something to do.
    func onJump(_ mayPass: (@Sendable (Int64) -> Bool)?) { watch.withLock { $0 = mayPass } }

    func skip(to deadline: Int64) -> Bool {
        let mayPass = watch.withLock { $0 }
        return mayPass?(deadline) != false && time.skip(to: deadline)
    }
}
