internal import Platform
internal import Synchronization

/// The time, as the engine sees it: the time of the day, and the time that passes.
///
/// What the journal says is in the time of the day. Waits of this process go by the time that passes, which nobody sets.
public protocol EngineClock: Sendable {
    /// Microseconds since 1970.
    func now() -> Int64

    /// Microseconds since some moment; it never goes back, and goes on while the machine is suspended.
    ///
    /// The default is ``now()``.
    func elapsed() -> Int64

    /// Called when no worker of an engine has anything to do before `deadline`, in microseconds of ``elapsed()``.
    ///
    /// - Returns: whether the clock has moved, so that the workers do not sleep.
    func skip(to deadline: Int64) -> Bool
}

extension EngineClock {
    public func elapsed() -> Int64 { now() }
}

/// The machine's clock.
public struct SystemClock: EngineClock {
    public init() {}

    /// Where the clock says that it is before 1970, as only one says that was never set, it is as long after 1970 as the machine runs.
    public func now() -> Int64 {
        let time = Self.microseconds(CLOCK_REALTIME)
        return time >= 1 ? time : max(Self.elapsedMicroseconds(), 1)
    }

    public func elapsed() -> Int64 { Self.elapsedMicroseconds() }

    public func skip(to deadline: Int64) -> Bool { false }

    @inline(__always)
    static func elapsedMicroseconds() -> Int64 {
        // On Darwin the monotonic clock goes on while the machine sleeps; on Linux it does not.
        #if canImport(Darwin)
            microseconds(CLOCK_MONOTONIC)
        #else
            microseconds(CLOCK_BOOTTIME)
        #endif
    }

    @inline(__always)
    private static func microseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1000
    }
}

/// A clock that jumps to the next timer as soon as nothing else is left to do: a sleep of 30 days takes no time.
///
/// Its time ends some 36,000 years after 1970, and begins as long before: what would be later never comes.
public final class VirtualClock: EngineClock {
    /// So far away that additions of durations stay in range.
    private static let latest: Int64 = 1 << 60

    private let time: Atomic<Int64>

    public init(startingAt microseconds: Int64 = 1_700_000_000_000_000) { time = Atomic(Self.bounded(microseconds)) }

    public func now() -> Int64 { time.load(ordering: .relaxed) }

    /// Sets the time, to an earlier one too.
    public func set(_ microseconds: Int64) { time.store(Self.bounded(microseconds), ordering: .relaxed) }

    private static func bounded(_ microseconds: Int64) -> Int64 { min(max(microseconds, -latest), latest) }

    public func skip(to deadline: Int64) -> Bool {
        let (current, deadline) = (time.load(ordering: .relaxed), Self.bounded(deadline))
        return deadline > current
            && time.compareExchange(expected: current, desired: deadline, ordering: .relaxed).exchanged
    }
}
