package import FlatValue
package import WorkflowCore

/// What a run waits by in the queue of a store. Nothing of it changes while the run waits.
package struct QueueTicket: Sendable, Equatable {
    /// What a run has in common with others that its start has to respect.
    package struct Share: Sendable, Equatable {
        package enum Kind: Int64, Sendable, CaseIterable {
            /// At most `limit` runs of the key have begun and are not over.
            case concurrency = 0
            /// At most `limit` runs of the key begin within any `period`.
            case rate = 1
            /// One run of the key has begun and is not over.
            case singleton = 2
        }

        package var kind: Kind
        /// Shared within the workflow; empty for all of its runs.
        package var key: String
        package var limit: Int
        /// In microseconds; of a rate.
        package var period: Int64

        package init(_ kind: Kind, key: String, limit: Int, period: Int64 = 0) {
            self.kind = kind
            self.key = key
            self.limit = limit
            self.period = period
        }
    }

    /// A higher one goes first; of equal ones the run that was made first.
    package var priority: Int64 = 0
    /// Before this time it does not begin, in microseconds since 1970; 0 for at once.
    package var readyAt: Int64 = 0
    /// At most one of each kind.
    package var shares: [Share] = []
    /// Of a singleton.
    package var onConflict = FlowControl.Singleton.Conflict.queue
    /// Runs of the workflow with this key that have not begun are replaced by this one, whatever their shares; nil for none.
    package var debounce: String?
    /// Nobody drives the run while it waits.
    package var isLeft = false

    package init() {}

    package func share(_ kind: Share.Kind) -> Share? { shares.first { $0.kind == kind } }
}

/// Runs that wait until their limits let them begin.
///
/// A run that is made with a ``JournaledRun/ticket`` enters the queue in the transaction of its first entry, and leaves it in
/// that of its last one. In between ``admit(_:limit:)`` lets it begin: it holds its places from then on, and a `begin` message
/// lies in its inbox until its owner has taken it, so a run that was let begin is never lost and begins once. A ticket that a
/// singleton refuses ends in the code `singleton`, with ``JournaledRun/rival`` set.
package protocol QueueStore: AnyObject, Sendable {
    /// False where runs with tickets are refused.
    var keepsQueue: Bool { get }

    /// Lets runs begin as far as their limits allow, in the order of priority and age, at most `limit` of them.
    func admit(_ scope: QueueScope, limit: Int) async throws(JournalError) -> QueuePass

    /// Why runs wait; those that do not are left out.
    func places(of runs: [String]) async throws(JournalError) -> [String: QueuePlace]

    /// How many runs wait, and for what.
    func queueFigures() async throws(JournalError) -> QueueFigures

    /// Notes that runs which this journal owns wait for others, or wait no more.
    ///
    /// A wait counts until its end is noted, its run is no longer this journal's, or this journal's lease has run out; nothing is
    /// left of it for whoever takes the run up. No-op for runs that are not this journal's. A store in which no run has had a
    /// ticket yet may ignore all of it.
    func note(_ changes: WaitChanges) async throws(JournalError)

    /// The runs that runs of some chains wait for as far as that is noted, all by the first ids of their chains; those that wait for
    /// none are left out.
    func awaited(by waiters: [String]) async throws(JournalError) -> [String: Set<String>]

    /// Those runs of some that are queued, and for which a concurrency limit or a singleton is full with runs that wait, as far as
    /// that is noted; the others are left out.
    func holdups(of runs: [String]) async throws(JournalError) -> [String: QueueHoldup]
}

extension QueueStore {
    package var keepsQueue: Bool { false }
    package func admit(_ scope: QueueScope, limit: Int) async throws(JournalError) -> QueuePass { QueuePass() }
    package func places(of runs: [String]) async throws(JournalError) -> [String: QueuePlace] { [:] }
    package func queueFigures() async throws(JournalError) -> QueueFigures { QueueFigures() }
    package func note(_ changes: WaitChanges) async throws(JournalError) {}
    package func awaited(by waiters: [String]) async throws(JournalError) -> [String: Set<String>] { [:] }
    package func holdups(of runs: [String]) async throws(JournalError) -> [String: QueueHoldup] { [:] }
}

/// Which runs a process lets begin.
package enum QueueScope: Sendable {
    /// All; it claims those that nobody drives.
    case all
    /// These, which it drives. Runs that nobody drives do not go before them.
    case runs([String])
}

/// What a look at the queue came to.
package struct QueuePass: Sendable {
    /// Runs that begin and that nobody drove, claimed; the `begin` message is among those of the claim.
    package var claims: [(run: String, claim: Result<Claim, JournalError>)] = []
    /// How many runs begin whose owners have a message.
    package var told = 0
    /// Runs that have lost their place to another one, and are to be cancelled.
    package var replaced: [(run: String, by: String)] = []
    /// When something may begin because time has passed, in microseconds since 1970; 0 for never.
    package var nextAt: Int64 = 0
    /// The limit was reached; there may be more.
    package var isMore = false

    package init() {}

    package mutating func awaits(_ time: Int64) {
        if nextAt == 0 || time < nextAt { nextAt = time }
    }
}

/// How long a queue is.
package struct QueueFigures: Sendable, Equatable {
    /// What keeps runs from beginning, as metrics name it; see ``QueuePlace/Reason``.
    package enum Reason: String, Sendable, CaseIterable { case time, concurrency, rate, singleton, turn }

    /// How many runs wait for each reason; those behind the first one with the same keys count as that one.
    package var lengths: [Reason: Int]
    /// Since when the oldest run has waited for its limits, in microseconds since 1970; nil where none does.
    package var oldest: Int64?

    package init(lengths: [Reason: Int] = [:], oldest: Int64? = nil) {
        (self.lengths, self.oldest) = (lengths, oldest)
    }

    /// How many runs wait for their limits, and not for a time.
    package var waiting: Int { lengths.reduce(0) { $0 + ($1.key == .time ? 0 : $1.value) } }
}

/// Where a run stands in the queue.
package struct QueuePlace: Sendable, Equatable {
    package enum Reason: Sendable, Equatable {
        /// In microseconds since 1970.
        case time(Int64)
        case concurrency(key: String, running: Int, limit: Int)
        /// The time is that at which another one may begin.
        case rate(key: String, limit: Int, period: Int64, until: Int64)
        case singleton(key: String, run: String)
        case replaced(by: String)
        /// Neither its limits nor those of the first of its line keep it waiting.
        case turn
    }

    package var priority: Int64
    /// From 1, among the runs with the same keys, as far as it is counted; 0 for a run that waits for a time.
    package var position: Int
    package var reason: Reason

    /// How many of those ahead are counted.
    package static let mostCounted = 1000

    package init(priority: Int64, position: Int, reason: Reason) {
        self.priority = priority
        self.position = position
        self.reason = reason
    }

    /// Why the run waits, in words.
    package var text: String {
        func named(_ what: String, _ key: String) -> String { key.isEmpty ? "the workflow" : "\(what) key \(key)" }
        let reason =
            switch reason {
            case .time: "waits for its time"
            case .concurrency(let key, let running, let limit):
                "\(named("concurrency", key)) has \(running) of \(limit) running"
            case .rate(let key, let limit, let period, _):
                "\(named("rate", key)) has begun \(limit) of \(limit) within \(DurationText.text(microseconds: period))"
            case .singleton(let key, let run): "\(named("singleton", key)) has run \(run) under way"
            case .replaced(let run): "run \(run) has taken its place"
            case .turn where position > 1: "no limit holds its line back"
            case .turn: "its turn has come"
            }
        return position > 1 ? "\(reason), \(shownPosition)" : reason
    }

    /// As programs read it, with times in milliseconds since 1970.
    package var value: Value {
        var entries: [(String, Value)] = [("reason", Value(text)), ("priority", Value(priority))]
        if position > 0 { entries.append(("position", Value(Int64(position)))) }
        switch reason {
        case .time(let time): entries.append(("until", Value(time / 1000)))
        case .concurrency(let key, _, _): entries.append(("concurrencyKey", Value(key)))
        case .rate(let key, _, _, let until):
            entries.append(("rateKey", Value(key)))
            entries.append(("until", Value(until / 1000)))
        case .singleton(let key, let run):
            entries.append(("singletonKey", Value(key)))
            entries.append(("runId", Value(run)))
        case .replaced(let run): entries.append(("runId", Value(run)))
        case .turn: break
        }
        return Value(entries: entries)
    }

    private var shownPosition: String {
        position > Self.mostCounted ? "over \(Self.mostCounted) before it" : "\(position - 1) before it"
    }
}
