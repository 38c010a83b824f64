internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The time, as the engine sees it.
public protocol EngineClock: Sendable {
    /// Microseconds since 1970.
    func now() -> Int64

    /// Called by a worker that has nothing to do before `deadline` (microseconds since 1970).
    ///
    /// - Returns: whether the clock has moved, so that the worker does not sleep.
    func skip(to deadline: Int64) -> Bool
}

/// The machine's clock.
public struct SystemClock: EngineClock {
    public init() {}

    public func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    public func skip(to deadline: Int64) -> Bool { false }
}

/// A clock that jumps to the next timer as soon as nothing else is left to do: a sleep of 30 days takes no time.
public final class VirtualClock: EngineClock {
    private let time: Atomic<Int64>

    public init(startingAt microseconds: Int64 = 1_700_000_000_000_000) { time = Atomic(microseconds) }

    public func now() -> Int64 { time.load(ordering: .relaxed) }

    /// Sets the time, to an earlier one too.
    public func set(_ microseconds: Int64) { time.store(microseconds, ordering: .relaxed) }

    public func skip(to deadline: Int64) -> Bool {
        let current = time.load(ordering: .relaxed)
        return deadline > current
            && time.compareExchange(expected: current, desired: deadline, ordering: .relaxed).exchanged
    }
}

/// Nanoseconds of the monotonic clock.
package func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
