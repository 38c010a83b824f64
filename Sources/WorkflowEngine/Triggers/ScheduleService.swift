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
    /// Between two looks at the schedules, which scripts that are reloaded may change.
    private static let interval = Duration.milliseconds(500)

    /// - Parameter report: hears of what began, was left out or failed; on any thread.
    public init(_ directory: RunDirectory, report: @escaping @Sendable (ScheduleReport) -> Void = { _ in }) {
        self.directory = directory
        self.report = report
    }

    public func run() async {
        while !Task.isCancelled {
            await begin()
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Begins what is due by the engine's clock.
    public func begin() async {
        let now = directory.engine.clock.now()
        let workflows = await directory.catalog.workflows().filter { !$0.plan.schedules.isEmpty }
        guard !workflows.isEmpty else { return }
        // A store that cannot be read now is looked at again.
        guard let marks = try? await directory.store.scheduleMarks() else { return }
        for workflow in workflows {
            for schedule in workflow.plan.schedules {
                if Task.isCancelled { return }
                let mark = marks.index(of: workflow.id, schedule.id).map { marks[$0] }
                do {
                    try await begin(schedule, of: workflow, mark, at: now)
                } catch {
                    tell(schedule, workflow, .failed("\(error)"))
                }
            }
        }
    }

    private func begin(_ schedule: Schedule, of workflow: Workflow, _ mark: ScheduleMark?, at now: Int64) async throws {
        guard let mark else {
            // What it missed before anybody knew it is nobody's loss.
            return try await directory.store.advance(workflow.id, schedule.id, to: now, run: nil)
        }
        var due = schedule.due(after: mark.time, until: now)
        guard let newest = due.newest else { return }
        if mark.isPaused { return try await directory.store.advance(workflow.id, schedule.id, to: newest, run: nil) }
        if due.missed > 0 { tell(schedule, workflow, .missed(due.missed)) }
        var last = mark.run
        while let time = due.times.first {
            due.times.removeFirst()
            if let earlier = last, schedule.overlap != .allow, try await isUnderWay(earlier) {
                switch schedule.overlap {
                case .queue: return
                case .cancelRunning: try await cancel(earlier)
                case .skip, .allow:
                    tell(schedule, workflow, .skipped(time: time, run: earlier))
                    try await directory.store.advance(workflow.id, schedule.id, to: time, run: nil)
                    continue
                }
            }
            let id = schedule.runID(workflow: workflow.id, at: time)
            let started = try await directory.start(
                StartRequest(workflow: workflow.id, input: schedule.input, id: id))
            try await directory.store.advance(workflow.id, schedule.id, to: time, run: id)
            last = id
            if started.isNew { tell(schedule, workflow, .began(time: time, run: id)) }
        }
        // Times that were missed for good are behind it too.
        try await directory.store.advance(workflow.id, schedule.id, to: newest, run: nil)
    }

    private func isUnderWay(_ run: String) async throws -> Bool {
        guard let header = try await directory.store.header(of: run) else { return false }
        return !header.status.isTerminal
    }

    private func cancel(_ run: String) async throws {
        do {
            _ = try await directory.cancel(run, reason: "its schedule begins the next run")
        } catch let failure as RunFailure where failure.code == "over" || failure.code == "missing" {}
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

    /// What has come since a time.
    func due(after last: Int64, until now: Int64) -> DueTimes {
        var due = DueTimes()
        let oldest = now - catchUp
        var time = last
        // A queue keeps what waits in it, however long that takes.
        if overlap != .queue, oldest > last, let first = next(after: oldest - 1), first > last {
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
        if !catchesUpAll, overlap != .queue, due.times.count > 1 {
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
