internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Keeps the calls of a model within its limits, for all runs of the process and, through the store, of all its processes.
final class ModelLimiter: Sendable {
    /// The limiters of the process, by the account of the model and its limits.
    private static let all = Mutex<[String: ModelLimiter]>([:])

    /// The one that all models of the same account and limits share.
    static func shared(by model: ModelSettings) -> ModelLimiter {
        let key = "\(model.account) \(model.limits)"
        return all.withLock { all in
            if let known = all[key] { return known }
            let made = ModelLimiter(model.limits, of: model.account)
            all[key] = made
            return made
        }
    }

    private static let place = "the model"
    /// How long a call waits for a place, in microseconds.
    private static let patience: Int64 = 3_600_000_000

    /// How long a call counts as under way in the store if nothing more is heard of it, and how often that is prolonged, in
    /// microseconds.
    private static let lease: Int64 = 60_000_000
    private static let renewal: Int64 = 20_000_000
    /// The longest time between two questions to the store.
    private static let longestWait: Int64 = 1_000_000

    private let account: String
    private let limits: SharedLimits
    private let queue: RequestQueue?
    private let requests: RateWindow?
    private let tokens: RateWindow?

    init(_ limits: ModelSettings.Limits, of account: String) {
        self.account = account
        self.limits = SharedLimits(
            concurrency: limits.concurrency.map(Int64.init), callsPerMinute: limits.requestsPerMinute.map(Int64.init),
            amountPerMinute: limits.tokensPerMinute.map(Int64.init))
        queue = limits.concurrency.map { RequestQueue(limit: $0) }
        requests = limits.requestsPerMinute.map { RateWindow(limit: Int64($0)) }
        tokens = limits.tokensPerMinute.map { RateWindow(limit: Int64($0)) }
    }

    /// Does the work when the limits allow it; it gives the number of its tokens besides.
    ///
    /// - Parameter store: what counts the calls of all processes. One that cannot answer limits nothing.
    func admitted<Result>(
        by store: (any SharedLimitStore)?, _ work: () async throws -> (Result, tokens: Int64)
    ) async throws -> Result {
        if let queue { try await queue.enter(Self.place, patience: Self.patience) }
        defer { queue?.leave(Self.place) }
        while let wait = wait() { try await Task.sleep(for: .microseconds(wait)) }
        guard let store, !limits.isEmpty else {
            let (result, used) = try await work()
            tokens?.add(used, at: HostTime.now())
            return result
        }
        let call = try await begin(in: store)
        let renewal = Task { [account] in
            while !Task.isCancelled {
                try await Task.sleep(for: .microseconds(Self.renewal))
                // One that fails is made up for by the next, which comes before the lease has run out.
                try? await store.hold(call, of: account, until: Self.now() + Self.lease)
            }
        }
        defer { renewal.cancel() }
        do {
            let (result, used) = try await work()
            tokens?.add(used, at: HostTime.now())
            try? await store.end(call, of: account, amount: used, at: Self.now())
            return result
        } catch {
            try? await store.end(call, of: account, amount: 0, at: Self.now())
            throw error
        }
    }

    /// Waits for a place among the calls of all processes; the id of the call.
    private func begin(in store: any SharedLimitStore) async throws -> String {
        let call = String(UInt64.random(in: .min ... .max), radix: 36)
        while true {
            let now = Self.now()
            let answer = try? await store.begin(call, of: account, within: limits, until: now + Self.lease, at: now)
            guard let wait = answer ?? nil else { return call }
            // Those who wait ask at times of their own.
            try await Task.sleep(for: .microseconds(min(Int64.random(in: wait / 2...wait), Self.longestWait)))
        }
    }

    /// Microseconds since 1970.
    private static func now() -> Int64 { HostTime.milliseconds() * 1000 }

    /// How long to wait, in microseconds; nil when a request may begin, which is counted then.
    private func wait() -> Int64? {
        let now = HostTime.now()
        if let wait = tokens?.wait(at: now) { return wait }
        return requests?.take(at: now)
    }
}

/// Counts what happened within the last minute.
///
/// Time is handed in: microseconds of a clock that nobody sets.
final class RateWindow: Sendable {
    static let length: Int64 = 60_000_000

    private let limit: Int64
    private let entries = Mutex<[(time: Int64, amount: Int64)]>([])

    init(limit: Int64) { self.limit = limit }

    /// Counts an amount, whatever the limit.
    func add(_ amount: Int64, at now: Int64) { entries.withLock { $0.append((now, amount)) } }

    /// How long until there is less than the limit in the window, in microseconds; nil when there is now.
    func wait(at now: Int64) -> Int64? {
        entries.withLock { entries in
            entries.removeAll { $0.time <= now - Self.length }
            // The newest ones that reach the limit together: it is reached until the oldest of them has left the window.
            var sum: Int64 = 0
            for entry in entries.reversed() {
                let (next, overflow) = sum.addingReportingOverflow(entry.amount)
                if overflow || next >= limit { return max(entry.time + Self.length - now, 1) }
                sum = next
            }
            return nil
        }
    }

    /// Counts one, or says how long to wait for a place.
    func take(at now: Int64) -> Int64? {
        if let wait = wait(at: now) { return wait }
        add(1, at: now)
        return nil
    }
}
