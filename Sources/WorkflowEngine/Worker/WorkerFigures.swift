internal import Synchronization

/// What a worker counts of itself; read from any thread.
package final class WorkerFigures: Sendable {
    /// Twice the microseconds that the worker has slept; while it sleeps, twice those until then less when it began to, and 1. One
    /// number, so that a reader sees both or neither.
    private let idle = Atomic<Int64>(0)
    /// In microseconds of the worker's clock, like all moments here.
    private let began: Int64
    private let memory = Atomic<Int>(0)
    private let restarts = Atomic<Int>(0)
    private let commits = Mutex(CommitTimes())

    package init(began: Int64 = SystemClock().elapsed()) { self.began = began }

    /// Notes that the worker goes to sleep. The worker's thread only, as ``wakes(at:)``.
    package func sleeps(at moment: Int64) {
        let slept = idle.load(ordering: .relaxed) >> 1
        idle.store((slept &- moment) << 1 | 1, ordering: .relaxed)
    }

    /// Notes that the worker goes on.
    package func wakes(at moment: Int64) {
        let known = idle.load(ordering: .relaxed)
        if known & 1 == 1 { idle.store(((known >> 1) &+ moment) << 1, ordering: .relaxed) }
    }

    /// Notes how long the store took for one batch, in microseconds.
    func committed(after microseconds: Int64) { commits.withLock { $0.add(max(microseconds, 0)) } }

    /// Notes how much the VMs of the worker hold, in bytes.
    func hold(_ bytes: Int) { memory.store(bytes, ordering: .relaxed) }

    /// Notes that a process in which code of the worker ran is gone without having been told to end.
    package func lostVM() { restarts.add(1, ordering: .relaxed) }

    /// How long the worker has not slept, in microseconds.
    package func busyTime(at moment: Int64 = SystemClock().elapsed()) -> Int64 {
        let known = idle.load(ordering: .relaxed)
        let slept = known & 1 == 1 ? (known >> 1) &+ moment : known >> 1
        return max(moment &- began &- max(slept, 0), 0)
    }

    /// Which share of its time the worker has not slept, from 0 to 1.
    package func busyRatio(at moment: Int64 = SystemClock().elapsed()) -> Double {
        min(Double(busyTime(at: moment)) / Double(max(moment &- began, 1)), 1)
    }

    package var memoryUsed: Int { memory.load(ordering: .relaxed) }
    package var vmRestarts: Int { restarts.load(ordering: .relaxed) }
    package var commitTimes: CommitTimes { commits.withLock { $0 } }
}

/// How long commits took, in buckets.
package struct CommitTimes: Sendable {
    /// Upper ends in microseconds.
    package static let bounds: [Int64] = [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 100_000, 1_000_000]

    /// How many took as long as each bound or less, and longer than the bound before; the last are beyond all.
    package private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
    /// In microseconds.
    package private(set) var total: Int64 = 0

    package init() {}

    mutating func add(_ microseconds: Int64) {
        counts[Self.bounds.firstIndex { microseconds <= $0 } ?? Self.bounds.count] += 1
        total &+= microseconds
    }

    package mutating func add(_ other: CommitTimes) {
        for index in counts.indices { counts[index] += other.counts[index] }
        total &+= other.total
    }
}
