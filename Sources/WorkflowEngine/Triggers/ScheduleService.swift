internal import Synchronization
internal import WorkflowCore

/// Begins the runs of schedules when their times come.
///
/// Any number of services may serve one store, in one process or in several: the run of a time has an id that is the same
/// in all of them, so a store takes it once.
///
/// ```swift
/// let schedules = ScheduleService(directory)
/// await schedules.run()        // until its task is cancelled
/// ```
public final class ScheduleService: Sendable {
    private let directory: RunDirectory
    private let report: @Sendable (ScheduleReport) -> Void
    private let state = Mutex(State())
    /// Between two looks at the schedules, which scripts that are reloaded may change.
    private static let interval = Duration.milliseconds(500)
    /// The same while runs for missed times follow on each other.
    private static let shortInterval = Duration.milliseconds(50)
    /// How far a schedule may have come beyond the present, in microseconds, where clocks differ. One that is further ahead has
    /// followed a clock that was wrong.
    private static let mostAhead: Int64 = 3_600_000_000
    /// How many schedules are looked after at once, so that what they write is written together.
    private static let width = 32

    private struct Key: Hashable {
        var workflow: String
        var schedule: String
    }

    /// What is known of schedules without the store: before these times nothing is due.
    private struct State {
        var next: [Key: (timing: Schedule.Timing, time: Int64)] = [:]
        var watch = ClockWatch()
        /// Why a schedule could not begin what is due when it was looked at last, so that each reason is told once.
        var failures: [Key: String] = [:]
        var missed: [Key: Missed] = [:]
        /// A run began in the last look for which later times wait: the next look comes soon.
        var isCatchingUp = false
    }

    /// Times that wait for the runs of earlier ones which nothing served, from which on and up to which.
    private struct Missed {
        var after: Int64
        var until: Int64
        /// Those at which the run of an earlier one was under way.
        var covered: Set<Int64> = []
    }

    /// - Parameter report: hears of what began, was left out or failed; on any thread.
    public init(_ directory: RunDirectory, report: @escaping @Sendable (ScheduleReport) -> Void = { _ in }) {
        self.directory = directory
        self.report = report
    }

    public func run() async {
        while !Task.isCancelled {
            await begin()
            let isCatchingUp = state.withLock(\.isCatchingUp)
            try? await Task.sleep(for: isCatchingUp ? Self.shortInterval : Self.interval)
        }
    }

    /// Begins what is due by the engine's clock.
    public func begin() async {
        let now = directory.engine.clock.now()
        let due = await due(at: now)
        state.withLock { $0.isCatchingUp = false }
        if due.isEmpty { return }
        let marks: [ScheduleMark]
        do {
            marks = try await directory.store.scheduleMarks()
        } catch {
            // It is looked at again.
            for (schedule, workflow) in due { failed(schedule, of: workflow, "\(error)") }
            return
        }
        let known = marks.byWorkflow
        await withTaskGroup(of: Void.self) { group in
            var rest = due[...]
            for _ in 0..<Self.width {
                guard let (schedule, workflow) = rest.popFirst() else { break }
                group.addTask { await self.begin(schedule, of: workflow, known[workflow.id]?[schedule.id], at: now) }
            }
            while await group.next() != nil, !Task.isCancelled, let (schedule, workflow) = rest.popFirst() {
                group.addTask { await self.begin(schedule, of: workflow, known[workflow.id]?[schedule.id], at: now) }
            }
        }
    }

    /// The schedules that have something due, as far as is known.
    private func due(at now: Int64) async -> [(Schedule, Workflow)] {
        let workflows = await directory.catalog.workflows()
        return state.withLock { state in
            if state.watch.isSetBack(at: now) {
                state.next.removeAll()
                state.missed.removeAll()
            }
            var due: [(Schedule, Workflow)] = []
            var count = 0
            for workflow in workflows {
                for schedule in workflow.plan.schedules {
                    count += 1
                    let next = state.next[Key(workflow: workflow.id, schedule: schedule.id)]
                    if let next, next.timing == schedule.timing, next.time > now { continue }
                    due.append((schedule, workflow))
                }
            }
            // Those of scripts that are gone.
            if state.next.count > 2 * count + 64 { state.next.removeAll() }
            if state.failures.count > 2 * count + 64 { state.failures.removeAll() }
            if state.missed.count > 2 * count + 64 { state.missed.removeAll() }
            return due
        }
    }

    private func begin(_ schedule: Schedule, of workflow: Workflow, _ mark: ScheduleMark?, at now: Int64) async {
        let key = Key(workflow: workflow.id, schedule: schedule.id)
        do {
            let time = try await decide(schedule, of: workflow, mark, at: now)
            let next = schedule.next(after: time) ?? .max
            state.withLock { state in
                state.next[key] = (schedule.timing, next)
                state.failures[key] = nil
                if let missed = state.missed[key], missed.until < next { state.missed[key] = nil }
            }
        } catch {
            failed(schedule, of: workflow, "\(error)")
        }
    }

    /// Whether a schedule has other times than when it was looked at last, here or before this service began; what it made up for
    /// by those is forgotten then.
    ///
    /// Of a schedule that is known here the mark says nothing: others may serve it with the times that it had before.
    private func hasOtherTimes(_ schedule: Schedule, of workflow: Workflow, than mark: ScheduleMark) -> Bool {
        let key = Key(workflow: workflow.id, schedule: schedule.id)
        return state.withLock { state in
            let isOther =
                if let known = state.next[key] { known.timing != schedule.timing } else {
                    mark.timing.map { $0 != schedule.text } ?? false
                }
            guard isOther else { return false }
            state.missed[key] = nil
            return true
        }
    }

    /// Tells why what is due of a schedule cannot begin, once for each reason.
    private func failed(_ schedule: Schedule, of workflow: Workflow, _ reason: String) {
        let key = Key(workflow: workflow.id, schedule: schedule.id)
        let isKnown = state.withLock { $0.failures.updateValue(reason, forKey: key) == reason }
        if !isKnown { tell(schedule, workflow, .failed(reason)) }
    }

    /// Begins what is due of a schedule.
    ///
    /// - Returns: the time that it has come to.
    private func decide(
        _ schedule: Schedule, of workflow: Workflow, _ mark: ScheduleMark?, at now: Int64
    ) async throws -> Int64 {
        // Told of when the store is behind them: one that cannot be written now comes to the same times again.
        var missedForGood = 0
        func advance(to time: Int64, run: String? = nil) async throws {
            try await directory.store.advance(
                workflow.id, schedule.id, to: time, run: run, timing: schedule.text)
            if missedForGood > 0 { tell(schedule, workflow, .missed(missedForGood)) }
            missedForGood = 0
        }
        guard var mark else {
            // What it missed before anybody knew it is nobody's loss.
            try await advance(to: now)
            return now
        }
        mark.time = max(mark.time, 0)
        if mark.time > now.clamped(adding: Self.mostAhead) {
            tell(schedule, workflow, .wentBack)
            try await directory.store.setBack(workflow.id, schedule.id, from: mark.time, to: now)
            return now
        }
        // What the times were changed to it did not miss: until now it had others.
        if hasOtherTimes(schedule, of: workflow, than: mark), mark.time < now {
            try await advance(to: now)
            return now
        }
        var waited: Int64?
        if schedule.overlap == .queue, !mark.isPaused, let run = mark.run,
            let header = try await directory.newest(of: run)
        {
            if !header.status.isTerminal { return mark.time }
            waited = header.updatedAt
        }
        var missed = try await missed(schedule, of: workflow, mark, at: now)
        // What was within `catch_up` when it was found waits for as long as the runs of earlier times take.
        var due =
            missed.map { schedule.due(after: max(mark.time, $0.after), until: now, queuedUntil: .max) }
            ?? schedule.due(after: mark.time, until: now, queuedUntil: waited)
        guard let newest = due.newest else { return mark.time }
        if mark.isPaused {
            try await advance(to: newest)
            return newest
        }
        missedForGood = due.missed
        if missed == nil { missed = note(due.times, at: now, asMissedOf: schedule, of: workflow) }
        var (last, decided) = (mark.run, mark.time)
        while let time = due.times.first {
            due.times.removeFirst()
            if let last, missed?.covered.contains(time) == true {
                tell(schedule, workflow, .skipped(time: time, run: last))
                try await advance(to: time)
                decided = time
                continue
            }
            if let earlier = last, schedule.overlap != .allow, let underWay = try await underWay(earlier) {
                // The run of a time that was missed began late: it was not under way at this one.
                if missed != nil, let first = try await directory.store.header(of: earlier), first.createdAt >= time {
                    state.withLock { $0.isCatchingUp = decided > mark.time }
                    return decided
                }
                switch schedule.overlap {
                case .queue: return decided
                case .cancelRunning: try await cancel(underWay)
                case .skip, .allow:
                    tell(schedule, workflow, .skipped(time: time, run: underWay))
                    try await advance(to: time)
                    decided = time
                    continue
                }
            }
            let reserved = ReservedRunID.scheduled(schedule, of: workflow.id, at: time)
            let id = reserved.text
            let isNew = try await start(schedule, of: workflow, as: reserved)
            try await advance(to: time, run: id)
            (last, decided) = (id, time)
            if isNew { tell(schedule, workflow, .began(time: time, run: id)) }
        }
        // Times that were missed for good are behind it too.
        if newest > decided { try await advance(to: newest) }
        return newest
    }

    /// Starts a run of a schedule, unless it was started before.
    ///
    /// - Returns: whether it was not.
    private func start(_ schedule: Schedule, of workflow: Workflow, as id: ReservedRunID) async throws -> Bool {
        do {
            var start = StartRequest(workflow: workflow.id, input: schedule.input)
            start.reservedID = id
            return try await directory.start(start).isNew
        } catch let failure as RunFailure where failure.code == RunFailure.Code.otherInput {
            // The schedule has been given another input since.
            return false
        }
    }

    /// What a schedule still makes up for, with what has come since the last look; nil for nothing.
    private func missed(
        _ schedule: Schedule, of workflow: Workflow, _ mark: ScheduleMark, at now: Int64
    ) async throws -> Missed? {
        let key = Key(workflow: workflow.id, schedule: schedule.id)
        guard schedule.makesUpInTurn, var missed = state.withLock({ $0.missed[key] }),
            let next = schedule.next(after: mark.time), next <= missed.until
        else { return nil }
        var (first, newest): (RunHeader?, RunHeader?)
        if let run = mark.run {
            first = try await directory.store.header(of: run)
            newest = try await directory.newest(of: run)
        }
        while let time = schedule.next(after: missed.until), time <= now {
            missed.until = time
            guard let first, let newest, first.createdAt <= time else { continue }
            if !newest.status.isTerminal || newest.updatedAt > time { missed.covered.insert(time) }
        }
        let seen = missed
        state.withLock { $0.missed[key] = seen }
        return seen
    }

    /// Keeps that a schedule makes up for times up to now; nil where it does not: nothing was missed by one that comes to its
    /// only time.
    private func note(_ times: [Int64], at now: Int64, asMissedOf schedule: Schedule, of workflow: Workflow) -> Missed?
    {
        guard schedule.makesUpInTurn, let first = times.first else { return nil }
        let key = Key(workflow: workflow.id, schedule: schedule.id)
        return state.withLock { state in
            guard times.count > 1 || state.next[key] == nil else { return nil }
            let missed = Missed(after: first - 1, until: now)
            state.missed[key] = missed
            return missed
        }
    }

    /// The run that goes on in the chain that a run of a schedule began; nil where it has ended.
    private func underWay(_ run: String) async throws -> String? {
        guard let header = try await directory.newest(of: run), !header.status.isTerminal else { return nil }
        return header.id
    }

    private func cancel(_ run: String) async throws {
        do {
            _ = try await directory.cancel(run, reason: "its schedule begins the next run")
        } catch let failure as RunFailure
            where failure.code == RunFailure.Code.over || failure.code == RunFailure.Code.missing
        {}
    }

    private func tell(_ schedule: Schedule, _ workflow: Workflow, _ event: ScheduleReport.Event) {
        report(ScheduleReport(workflow: workflow.id, schedule: schedule.id, event: event))
    }
}

/// Something that a schedule did.
public struct ScheduleReport: Sendable {
    public enum Event: Sendable {
        /// A run began; the time for which it did, in microseconds since 1970.
        case began(time: Int64, run: String)
        /// A time passed because the run of an earlier one is not over.
        case skipped(time: Int64, run: String)
        /// So many times passed while nothing served.
        case missed(Int)
        /// It had come to times that lie ahead, by a clock that was wrong, and goes on from now.
        case wentBack
        case failed(String)
    }

    public var workflow: String
    public var schedule: String
    public var event: Event

    /// In words.
    public var message: String {
        let name = "schedule '\(schedule)' of workflow '\(workflow)'"
        return switch event {
        case .began(_, let run): "\(name) began run \(run)"
        case .skipped(_, let run): "\(name) passed a time: its run \(run) is not over"
        case .missed(let count): "\(name) missed \(count == 1 ? "a time" : "\(count) times") while nothing served"
        case .wentBack: "\(name) had come to a time that lies ahead, and goes on from now"
        case .failed(let reason): "\(name) could not begin a run: \(reason)"
        }
    }
}

/// The times at which a schedule is due.
struct DueTimes {
    /// Those that get a run, oldest first.
    var times: [Int64] = []
    /// How many get none, because they are too old or newer ones stand for them.
    var missed = 0
    /// The newest time that has come.
    var newest: Int64?
}

extension Schedule {
    /// How many times one look makes up for at most.
    private static let mostTimes = 1000

    /// Whether the runs of times that were missed begin one after the other, whatever ``overlap`` says.
    fileprivate var makesUpInTurn: Bool { catchesUpAll && (overlap == .skip || overlap == .cancelRunning) }

    /// What has come since a time.
    ///
    /// - Parameter end: until when the run before kept times waiting, of a schedule that queues them; nil if none did.
    func due(after last: Int64, until now: Int64, queuedUntil end: Int64? = nil) -> DueTimes {
        var due = DueTimes()
        let oldest = now - catchUp
        var time = last
        // A queue keeps what waits in it, however long that takes.
        let isQueue = end.map { end in next(after: last).map { $0 <= end } ?? false } ?? false
        if !isQueue, oldest > last, let first = next(after: oldest - 1), first > last {
            due.missed = missed(after: last, before: first)
            if due.missed > 0 { due.newest = oldest - 1 }
            time = max(last, first - 1)
            if first > now { return due.missed > 0 ? due : DueTimes() }
        }
        while let following = next(after: time), following <= now, due.times.count < Self.mostTimes {
            due.times.append(following)
            due.newest = following
            time = following
        }
        if !catchesUpAll, !isQueue, due.times.count > 1 {
            due.missed += due.times.count - 1
            due.times = due.times.suffix(1)
        }
        return due
    }

    /// How many times lie between two, counted up to a bound.
    private func missed(after last: Int64, before end: Int64) -> Int {
        var (count, time) = (0, last)
        while let following = next(after: time), following < end, count < Self.mostTimes {
            (count, time) = (count + 1, following)
        }
        return count
    }
}
