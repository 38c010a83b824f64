internal import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Has a store know up to when this process has sent the spans of its runs, and sends those that a process which died has not.
///
/// A span may be sent twice so, as the same span; none is missing of a run whose process was killed.
final class UnsentSpans: Sendable {
    /// What a store can that this needs.
    typealias Store = CacheStore & RunReading

    /// Between two looks at what has been sent.
    private static let interval = Duration.seconds(5)
    private static let patience = Duration.milliseconds(500)
    private static let key = "telemetry/unsent"
    /// How many runs are asked for at once.
    private static let page = 500

    private let store: any Store
    private let own: ExportProcess
    private let clock: any EngineClock
    private let state: Mutex<State>
    private let finished = Gate()
    private let ended = Gate()
    /// Opened when the newest change of the marks has been made.
    private let newestChange = Mutex<Gate?>(nil)

    private struct State {
        var mark: UnsentMarks.Mark
        /// Whether all has been sent or given up at the end; nil before that.
        var isWhole: Bool?
        /// Somebody has looked for processes that are gone.
        var hasLooked = false
    }

    /// - Parameter own: the process that sends; this one unless given.
    init?(_ store: (any RunStore)?, clock: any EngineClock = SystemClock(), own: ExportProcess? = nil) {
        let now = clock.now()
        guard let store = store as? any Store, let own = own ?? ExportProcess.own(at: now) else { return nil }
        self.store = store
        self.own = own
        self.clock = clock
        state = Mutex(State(mark: UnsentMarks.Mark(sentUntil: now - UnsentMarks.tolerance, toldAt: now)))
    }

    // MARK: The own mark

    /// Makes the mark, and waits for that as long as a store may take to write something small. To be called before a run begins
    /// or is taken up whose spans are sent.
    func begin() async {
        let made = Gate()
        Task {
            await write()
            made.open()
        }
        _ = await made.passed(within: Self.patience)
    }

    /// Keeps the mark until ``finish(isWhole:)``.
    ///
    /// - Parameter sent: returns once all spans have been sent or given up that ended before it was called, with the number of all
    ///   so far; nil when it does not know.
    func run(_ sent: @Sendable () async -> Int?) async {
        var count = 0
        while await !finished.passed(within: Self.interval) {
            let now = clock.now()
            guard let known = await sent() else { continue }
            let isDue = state.withLock { state in
                // A clock that was set back has spans end before what was told.
                state.mark.sentUntil = now - UnsentMarks.tolerance
                return known != count || !(0..<UnsentMarks.heartbeat).contains(now - state.mark.toldAt)
            }
            count = known
            if isDue, state.withLock({ $0.isWhole == nil }) { await write() }
        }
        if state.withLock({ $0.isWhole == true }) { await update { $0.set(own, nil) } }
        ended.open()
    }

    /// Ends ``run(_:)``, and waits for that as long as a store may take to write something small.
    ///
    /// - Parameter isWhole: whether all has been sent or given up, so that the mark is taken away.
    func finish(isWhole: Bool) async {
        state.withLock { $0.isWhole = isWhole }
        finished.open()
        _ = await ended.passed(within: Self.patience)
    }

    private func write() async {
        let mark = state.withLock { state in
            state.mark.toldAt = clock.now()
            return state.mark
        }
        await update { $0.set(own, mark) }
    }

    /// Changes the marks, one change of this process after the other. Of two processes that change them at the same moment one may
    /// undo the other's change, which that one's next mark makes again.
    private func update(_ change: (inout UnsentMarks) -> Void) async {
        let made = Gate()
        let before = newestChange.withLock { newest in
            defer { newest = made }
            return newest
        }
        await before?.passed()
        defer { made.open() }
        do {
            let now = clock.now()
            var marks = UnsentMarks(try await store.cached(Self.key, at: now))
            change(&marks)
            marks.forget(at: now)
            try await store.cache(Self.key, marks.value, until: now + UnsentMarks.lifetime, at: now)
        } catch {
            // A store that cannot be read or written now gets the next mark; whoever runs workflows in it is told why.
        }
    }

    // MARK: Those of others

    /// Sends what processes that are gone have not sent.
    ///
    /// - Parameters:
    ///   - plan: gives the plan of a run; one whose code is not known is left out.
    ///   - send: gets a run and those of its spans that are to be sent, and waits for room.
    func sendThoseOfOthers(
        _ plan: (RunHeader) async throws -> Plan, _ send: (RunRecord, [Span], TraceParent?) async -> Void
    ) async {
        let now = clock.now()
        // Processes in containers may have the same number and host, so it is asked but once whether one runs.
        let asks = state.withLock { state in
            defer { state.hasLooked = true }
            return !state.hasLooked
        }
        guard let value = try? await store.cached(Self.key, at: now) else { return }
        var marks = UnsentMarks(value)
        marks.forget(at: now)
        let gone = marks.gone(besides: own, at: now) { asks ? $0.isAlive(seenFrom: own) : nil }
        if gone.isEmpty { return }
        do {
            for window in marks.windows(of: gone) { try await sendRuns(in: window, plan, send) }
        } catch {
            // A store that cannot be read now is looked at again.
            return
        }
        if Task.isCancelled { return }
        await update { marks in
            for process in gone { marks.set(process, nil) }
        }
    }

    /// A run as the store has it; nil for one that is gone or damaged, which keeps nobody from sending the others.
    private func load(_ run: String) async throws -> StoredRun? {
        do {
            return try await store.load(run)
        } catch let error as JournalError where error.reason == .storeCorrupt {
            return nil
        }
    }

    private func sendRuns(
        in window: ClosedRange<Int64>, _ plan: (RunHeader) async throws -> Plan,
        _ send: (RunRecord, [Span], TraceParent?) async -> Void
    ) async throws {
        var filter = RunFilter(created: 0...window.upperBound, updated: window.lowerBound...Int64.max, limit: Self.page)
        while !Task.isCancelled {
            let page = try await store.list(filter)
            for header in page where !Task.isCancelled {
                guard let plan = try? await plan(header), let stored = try await load(header.id),
                    let record = try? RunRecord(stored, plan: plan)
                else { continue }
                let (spans, caller) = SpanBuilder.spans(of: record, writtenIn: window)
                await send(record, spans, caller)
            }
            guard page.count == Self.page, let last = page.last else { return }
            filter.before = last.id
        }
    }
}
