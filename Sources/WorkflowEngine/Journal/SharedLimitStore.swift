internal import WorkflowCore

/// How much may be done under one key within a minute and at once; nil for no limit.
package struct SharedLimits: Sendable, Equatable {
    package var concurrency: Int64?
    package var callsPerMinute: Int64?
    /// Of what ``SharedLimitStore/end(_:of:amount:at:)`` tells.
    package var amountPerMinute: Int64?

    package init(concurrency: Int64? = nil, callsPerMinute: Int64? = nil, amountPerMinute: Int64? = nil) {
        self.concurrency = concurrency
        self.callsPerMinute = callsPerMinute
        self.amountPerMinute = amountPerMinute
    }

    package var isEmpty: Bool { concurrency == nil && callsPerMinute == nil && amountPerMinute == nil }

    /// The time over which calls and amounts are counted, in microseconds.
    package static let window: Int64 = 60_000_000
    /// How long a call waits that others keep from beginning, before it asks again, in microseconds.
    package static let place: Int64 = 50_000

    /// How long a call has to wait, in microseconds; nil where it may begin.
    ///
    /// - Parameters:
    ///   - counts: what the last minute had, and how many calls are under way.
    ///   - now: microseconds since 1970.
    package func wait(_ counts: SharedCounts, at now: Int64) -> Int64? {
        func rest(since oldest: Int64?) -> Int64 {
            min(max((oldest ?? now).clamped(subtracting: now).clamped(adding: Self.window), Self.place), Self.window)
        }
        if let callsPerMinute, counts.calls >= callsPerMinute { return rest(since: counts.oldestCall) }
        if let amountPerMinute, counts.amount >= amountPerMinute { return rest(since: counts.oldestAmount) }
        if let concurrency, counts.held >= concurrency { return Self.place }
        return nil
    }
}

/// What has been done under a key.
package struct SharedCounts: Sendable, Equatable {
    /// Calls under way.
    package var held: Int64
    /// Calls that began within the last minute, and when the oldest of them did, in microseconds since 1970.
    package var calls: Int64
    package var oldestCall: Int64?
    /// What the calls amounted to that ended within the last minute, and when the oldest of them did.
    package var amount: Int64
    package var oldestAmount: Int64?

    package init(held: Int64, calls: Int64, oldestCall: Int64?, amount: Int64, oldestAmount: Int64?) {
        self.held = held
        self.calls = calls
        self.oldestCall = oldestCall
        self.amount = amount
        self.oldestAmount = oldestAmount
    }
}

/// Counts calls for all processes of a store, so that limits hold for them together.
///
/// Times are in microseconds since 1970; the clocks of machines that share a store agree to within a second.
package protocol SharedLimitStore: AnyObject, Sendable {
    /// Begins a call, if the limits allow it.
    ///
    /// - Parameters:
    ///   - call: an id that no other call has.
    ///   - time: until when the call counts as under way if nothing more is heard of it.
    /// - Returns: nil when it has begun; else how long to wait before asking again, in microseconds.
    func begin(
        _ call: String, of key: String, within limits: SharedLimits, until time: Int64, at now: Int64
    ) async throws(JournalError) -> Int64?
    /// Says that a call is under way until a later time.
    func hold(_ call: String, of key: String, until time: Int64) async throws(JournalError)
    /// Ends a call, and says what it amounted to.
    func end(_ call: String, of key: String, amount: Int64, at now: Int64) async throws(JournalError)
}
