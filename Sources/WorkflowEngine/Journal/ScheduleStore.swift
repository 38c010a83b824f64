internal import Synchronization

/// How far a schedule has come, as a store keeps it.
package struct ScheduleMark: Sendable, Equatable {
    package var workflow: String
    package var schedule: String
    /// The newest time that has been decided on, whether or not a run began, in microseconds since 1970.
    package var time: Int64
    /// The newest run that it began.
    package var run: String?
    package var isPaused: Bool
    /// The times that it had when it came to ``time``, as ``Schedule/text``; nil where that is not known.
    package var timing: String?

    package init(
        workflow: String, schedule: String, time: Int64, run: String? = nil, isPaused: Bool = false,
        timing: String? = nil
    ) {
        self.timing = timing
        self.workflow = workflow
        self.schedule = schedule
        self.time = time
        self.run = run
        self.isPaused = isPaused
    }
}

/// Where it is kept how far schedules have come.
package protocol ScheduleStore: AnyObject, Sendable {
    func scheduleMarks() async throws(JournalError) -> [ScheduleMark]

    /// Moves a schedule to a later time, or makes it known; a time that is not later changes nothing.
    ///
    /// - Parameters:
    ///   - run: the run that began; nil keeps the one before.
    ///   - timing: the times that it has, as ``Schedule/text``; nil keeps those before.
    func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?, timing: String?
    ) async throws(JournalError)

    /// Moves a schedule back to a time, if it has come to another one and to no other since.
    func setBack(_ workflow: String, _ schedule: String, from time: Int64, to earlier: Int64) async throws(JournalError)

    /// Pauses a schedule that is known, or lets it go on.
    ///
    /// - Returns: false when it is not known.
    func pause(_ workflow: String, _ schedule: String, _ isPaused: Bool) async throws(JournalError) -> Bool
}

extension ScheduleStore {
    package func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?
    ) async throws(JournalError) {
        try await advance(workflow, schedule, to: time, run: run, timing: nil)
    }
}

extension [ScheduleMark] {
    /// The marks by workflow and schedule.
    package var byWorkflow: [String: [String: ScheduleMark]] {
        reduce(into: [:]) { $0[$1.workflow, default: [:]][$1.schedule] = $1 }
    }

    package func index(of workflow: String, _ schedule: String) -> Int? {
        firstIndex { $0.workflow == workflow && $0.schedule == schedule }
    }
}
