internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Has a store know what this process has not sent of the spans of its runs, and takes over what processes that died have not.
///
/// A span may be sent twice so, as the same span; none is missing of a run whose process was killed, or could not send it.
final class UnsentSpans: Sendable {
    /// What a store can that this needs.
    typealias Store = CacheStore & RunReading

    /// How many spans the endpoints got of the runs that are followed, and how many of them were not sent, nor refused for good, by
    /// the name of the endpoint.
    struct Counts: Sendable {
        var taken = 0
        var unsent: [String: Int] = [:]

        /// The endpoints of which more is unsent than was.
        func failing(since before: Counts) -> UnsentDebt.Endpoints {
            Set(unsent.filter { $0.value != before.unsent[$0.key] ?? 0 }.keys)
        }
    }

    /// Between two looks at what has been sent.
    private static let interval = Duration.seconds(5)
    private static let patience = Duration.milliseconds(500)
    private static let key = "telemetry/unsent"

    let store: any Store
    let own: ExportProcess
    let clock: any EngineClock
    let state: Mutex<State>
    private let finished = Gate()
    /// Opened when the newest change of the marks has been made.
    private let newestChange = Mutex<Gate?>(nil)

    struct State {
        var sentUntil: Int64?
        var toldAt: Int64
        let endpoints: UnsentDebt.Endpoints
        var ledger: UnsentLedger
        /// What was known when ``sentUntil`` was last set.
        var counts = Counts()
        /// Nothing changes any more.
        var isOver = false
        /// Somebody has looked for processes that are gone.
        var hasLooked = false

        /// The mark of a process that has nothing left to send is nil.
        var mark: UnsentMarks.Mark? {
            let debts = UnsentDebt.merged(ledger.debts)
            if sentUntil == nil, debts.isEmpty { return nil }
            return UnsentMarks.Mark(
                sentUntil: sentUntil, toldAt: toldAt, debts: debts, endpoints: sentUntil.map { _ in endpoints })
        }
    }

    /// - Parameters:
    ///   - endpoints: what they are called, each by a name of its own; without any nothing is kept.
    ///   - own: the process that sends; this one unless given.
    init?(
        _ store: (any RunStore)?, endpoints: [String], clock: any EngineClock = SystemClock(), own: ExportProcess? = nil
    ) {
        let now = clock.now()
        guard !endpoints.isEmpty, let store = store as? any Store, let own = own ?? ExportProcess.own(at: now) else {
            return nil
        }
        self.store = store
        self.own = own
        self.clock = clock
        state = Mutex(
            State(
                sentUntil: now - UnsentMarks.tolerance, toldAt: now, endpoints: Set(endpoints),
                ledger: UnsentLedger(endpoints: endpoints)))
    }

    /// Makes the mark, and waits for that as long as a store may take to write something small. To be called before a run begins
    /// or is taken up whose spans are sent.
    func begin() async { await Self.waiting { await self.write() } }

    /// Keeps the mark until ``finish(_:)``.
    ///
    /// - Parameter sent: returns once something is known of all spans that ended before it was called; nil when that takes too long.
    func run(_ sent: @Sendable () async -> Counts?) async {
        while await !finished.passed(within: Self.interval) {
            let now = clock.now()
            if note(await sent(), at: now) { await write() }
        }
    }

    /// Notes what has been sent by a time; whether that is to be written.
    ///
    /// - Parameter known: nil where nothing is known of all spans that ended before.
    func note(_ known: Counts?, at now: Int64) -> Bool {
        state.withLock { state in
            var isDue = state.ledger.settle()
            if let known {
                let failing = known.failing(since: state.counts)
                if !failing.isEmpty, let from = state.sentUntil {
                    state.ledger.add([UnsentDebt(times: min(from, now)...now, endpoints: failing)])
                }
                // A clock that was set back has spans end before what was told.
                state.sentUntil = now - UnsentMarks.tolerance
                isDue = isDue || known.taken != state.counts.taken || !failing.isEmpty
                state.counts = known
            }
            return !state.isOver && (isDue || !(0..<UnsentMarks.heartbeat).contains(now - state.toldAt))
        }
    }

    /// Tells what is left at the end, and waits for that as long as a store may take to write something small.
    ///
    /// - Parameters:
    ///   - counts: of all spans of the runs that were followed; nil where there are others of these.
    ///   - isLast: whether nothing more is recorded by runs that were followed.
    func finish(_ counts: Counts?, isLast: Bool) async {
        finished.open()
        let mark = state.withLock { state in
            _ = state.ledger.settle()
            let now = clock.now()
            if isLast, let from = state.sentUntil {
                let failing = counts?.failing(since: state.counts) ?? state.endpoints
                if !failing.isEmpty { state.ledger.add([UnsentDebt(times: min(from, now)...now, endpoints: failing)]) }
                state.sentUntil = nil
            }
            state.toldAt = now
            state.isOver = true
            return state.mark
        }
        await Self.waiting { await self.update { $0.set(self.own, mark) } }
    }

    private static func waiting(_ body: @escaping @Sendable () async -> Void) async {
        let made = Gate()
        Task {
            await body()
            made.open()
        }
        _ = await made.passed(within: patience)
    }

    /// Writes the mark as it is when its turn comes.
    private func write() async {
        await update { marks in
            let mark = state.withLock { state -> UnsentMarks.Mark?? in
                if state.isOver { return nil }
                state.toldAt = clock.now()
                return .some(state.mark)
            }
            if let mark { marks.set(own, mark) }
        }
    }

    /// Reads the marks, without those that are too old.
    func read() async throws -> UnsentMarks {
        let now = clock.now()
        var marks = UnsentMarks(try await store.cached(Self.key, at: now))
        marks.forget(at: now)
        return marks
    }

    /// Changes the marks, one change of this process after the other. Of two processes that change them at the same moment one may
    /// undo the other's change, which that one's next mark makes again.
    func update(_ change: (inout UnsentMarks) -> Void) async {
        let made = Gate()
        let before = newestChange.withLock { newest in
            defer { newest = made }
            return newest
        }
        await before?.passed()
        defer { made.open() }
        do {
            var marks = try await read()
            let now = clock.now()
            marks.noteAhead(of: now, besides: own)
            change(&marks)
            try await store.cache(Self.key, marks.value, until: now + UnsentMarks.lifetime, at: now)
        } catch {
            // A store that cannot be read or written now gets the next mark; whoever runs workflows in it is told why.
        }
    }
}
