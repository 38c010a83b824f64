internal import Synchronization
internal import WorkflowCore

/// Keeps the calls of a model within its limits, for all runs of the process.
final class ModelLimiter: Sendable {
    /// The limiters of the process, by the account of the model and its limits.
    private static let all = Mutex<[String: ModelLimiter]>([:])

    /// The one that all models of the same account and limits share.
    static func shared(by model: ModelSettings) -> ModelLimiter {
        let key = "\(model.account) \(model.limits)"
        return all.withLock { all in
            if let known = all[key] { return known }
            let made = ModelLimiter(model.limits)
            all[key] = made
            return made
        }
    }

    private static let place = "the model"
    /// How long a call waits for a place, in microseconds.
    private static let patience: Int64 = 3_600_000_000

    private let queue: RequestQueue?
    private let requests: RateWindow?
    private let tokens: RateWindow?

    init(_ limits: ModelSettings.Limits) {
        queue = limits.concurrency.map { RequestQueue(limit: $0) }
        requests = limits.requestsPerMinute.map { RateWindow(limit: Int64($0)) }
        tokens = limits.tokensPerMinute.map { RateWindow(limit: Int64($0)) }
    }

    /// Does the work when the limits allow it. What it used is to be told with ``note(_:)``.
    func admitted<Result>(_ work: () async throws -> Result) async throws -> Result {
        if let queue { try await queue.enter(Self.place, patience: Self.patience) }
        defer { queue?.leave(Self.place) }
        while let wait = wait() { try await Task.sleep(for: .microseconds(wait)) }
        return try await work()
    }

    /// Counts the tokens of a call.
    func note(_ usage: ModelUsage) { tokens?.add(usage.totalTokens, at: HostTime.now()) }

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
            var excess = entries.reduce(0) { $0 + $1.amount } - limit
            if excess < 0 { return nil }
            for entry in entries {
                excess -= entry.amount
                if excess < 0 { return max(entry.time + Self.length - now, 1) }
            }
            return Self.length
        }
    }

    /// Counts one, or says how long to wait for a place.
    func take(at now: Int64) -> Int64? {
        if let wait = wait(at: now) { return wait }
        add(1, at: now)
        return nil
    }
}
