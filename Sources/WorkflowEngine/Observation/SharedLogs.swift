internal import Platform
internal import Synchronization
internal import WorkflowCore

/// The logs of runs that subscribers read, each once for all of them; up to a bound of bytes, and as long as somebody reads on.
///
/// Nobody holds a log between two pages, so that it is the pages that subscribers cost.
final class SharedLogs: Sendable {
    /// How many bytes are kept besides the log that is used last.
    private static let limit = 64 << 20
    /// How long a log is kept that nobody reads.
    private static let idleTime = Duration.seconds(5)
    /// Runs whose logs are read at the same time.
    private static let readers = 8

    private let store: any RunStore
    private let state = Mutex(State())
    /// One reads a run at a time, and whoever waited finds what that one has read.
    private let turns = (0..<readers).map { _ in TurnLimit(1) }

    private struct State {
        var logs: [String: Kept] = [:]
        var bytes = 0
        var sweeper: Task<Void, Never>?

        mutating func remove(_ run: String) {
            if let kept = logs.removeValue(forKey: run) { bytes -= kept.size }
        }
    }

    private struct Kept {
        var log: SharedLog
        var size: Int
        var used: ContinuousClock.Instant
    }

    /// What the store says of a run.
    enum Reading {
        /// There are events behind those that are known.
        case log(SharedLog)
        /// There are none.
        case nothing(RunHeader)
        /// The run was moved to other code.
        case moved
        case missing
    }

    init(_ store: any RunStore) { self.store = store }

    deinit { state.withLock { $0.sweeper }?.cancel() }

    /// The log of a run as it is kept, if it has the event behind the first `count`.
    func find(_ run: String, _ plan: Plan, after count: Int) -> SharedLog? {
        state.withLock { state in
            guard let log = state.logs[run]?.log, log.plan.fingerprint == plan.fingerprint, log.first <= count,
                log.end > count
            else { return nil }
            state.logs[run]?.used = .now
            return log
        }
    }

    /// Lets go of the log of an earlier run of the same id.
    func expect(_ run: String, created: Int64) {
        state.withLock { state in
            if let kept = state.logs[run], kept.log.created != created { state.remove(run) }
        }
    }

    /// Reads in the store what a run has more than `count` events, unless somebody else has just done so.
    ///
    /// - Parameter wholly: from its first event on.
    func read(
        _ run: String, _ plan: Plan, after count: Int, wholly: Bool = false
    ) async throws(JournalError) -> Reading {
        let turn = turns[Int(UInt(bitPattern: run.hashValue) % UInt(turns.count))]
        await turn.enter()
        defer { turn.leave() }
        if let log = find(run, plan, after: count), !wholly || log.isWhole { return .log(log) }
        // What is kept is read on, so that it goes on to serve all.
        let known = state.withLock { state in
            state.logs[run].flatMap { $0.log.plan.fingerprint == plan.fingerprint ? $0.log : nil }
        }
        let start = wholly ? 0 : known.map { $0.end <= count ? $0.end : count } ?? count
        guard let stored = try await store.load(run, after: start) else {
            state.withLock { $0.remove(run) }
            return .missing
        }
        if let fingerprint = stored.header.origin.fingerprint, fingerprint != plan.fingerprint { return .moved }
        if stored.events.isEmpty { return .nothing(stored.header) }
        let read = try SharedLog(stored, plan: plan)
        let log = keep(read, behind: known)
        return log.end > count ? .log(log) : .nothing(stored.header)
    }

    /// Keeps what has been read where that serves more subscribers than what is kept.
    private func keep(_ read: SharedLog, behind known: SharedLog?) -> SharedLog {
        var log = read
        if var joined = known, joined.append(read) { log = joined }
        let size = log.size
        state.withLock { state in
            if let kept = state.logs[log.run], kept.log.plan.fingerprint == log.plan.fingerprint,
                kept.log.first < log.first
            {
                return
            }
            state.remove(log.run)
            state.logs[log.run] = Kept(log: log, size: size, used: .now)
            state.bytes += size
            while state.bytes > Self.limit, state.logs.count > 1,
                let oldest = state.logs.filter({ $0.key != log.run }).min(by: { $0.value.used < $1.value.used })
            {
                state.remove(oldest.key)
            }
            if state.sweeper == nil { state.sweeper = Task.detached { [weak self] in await self?.sweep() } }
        }
        return log
    }

    /// Lets go of what nobody reads any more, until there is nothing.
    private func sweep() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.idleTime)
            let isEmpty = state.withLock { state in
                let end = ContinuousClock.now - Self.idleTime
                for (run, kept) in state.logs where kept.used < end { state.remove(run) }
                if state.logs.isEmpty { state.sweeper = nil }
                return state.logs.isEmpty
            }
            if isEmpty { return }
        }
    }
}
