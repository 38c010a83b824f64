internal import Synchronization
internal import WorkflowEngine

/// A clock that jumps like ``VirtualClock``, but not over a wait that is about to be answered.
final class HeldClock: EngineClock {
    private let clock = VirtualClock()
    private let condition = Mutex<(@Sendable () -> Bool)?>(nil)

    /// Asked before each jump, on the worker's thread: whether somebody is about to answer.
    var holds: (@Sendable () -> Bool)? {
        get { condition.withLock { $0 } }
        set { condition.withLock { $0 = newValue } }
    }

    func now() -> Int64 { clock.now() }

    func skip(to deadline: Int64) -> Bool {
        if let holds, holds() { return false }
        return clock.skip(to: deadline)
    }
}
