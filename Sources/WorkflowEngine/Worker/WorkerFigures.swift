internal import Synchronization

/// What a worker counts of itself; read from any thread.
package final class WorkerFigures: Sendable {
    /// In microseconds since the worker began.
    private let idle = Atomic<Int64>(0)
    private let began = SystemClock().elapsed()
    private let memory = Atomic<Int>(0)
    private let restarts = Atomic<Int>(0)
    private let commits = Mutex(CommitTimes())

    init() {}

    /// Notes that the worker slept.
    func slept(_ microseconds: Int64) { if microseconds > 0 { idle.wrappingAdd(microseconds, ordering: .relaxed) } }

    /// Notes how long the store took for one batch, in microseconds.
    func committed(after microseconds: Int64) { commits.withLock { $0.add(max(microseconds, 0)) } }

    /// Notes how much the VMs of the worker hold, in bytes.
    func hold(_ bytes: Int) { memory.store(bytes, ordering: .relaxed) }

    /// Notes that a process in which code of the worker ran is gone without having been told to end.
    package func lostVM() { restarts.add(1, ordering: .relaxed) }

    /// Which share of its time the worker has not slept, from 0 to 1.
    package var busyRatio: Double {
        let whole = max(SystemClock().elapsed() - began, 1)
        return min(max(1 - Double(idle.load(ordering: .relaxed)) / Double(whole), 0), 1)
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
