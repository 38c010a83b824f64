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

    package init(workflow: String, schedule: String, time: Int64, run: String? = nil, isPaused: Bool = false) {
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
    /// - Parameter run: the run that began; nil keeps the one before.
    func advance(_ workflow: String, _ schedule: String, to time: Int64, run: String?) async throws(JournalError)

    /// Pauses a schedule that is known, or lets it go on.
    ///
    /// - Returns: false when it is not known.
    func pause(_ workflow: String, _ schedule: String, _ isPaused: Bool) async throws(JournalError) -> Bool
}

extension MemoryJournal: ScheduleStore {
    package func scheduleMarks() async throws(JournalError) -> [ScheduleMark] {
        try read { contents, _ in contents.schedules }
    }

    package func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?
    ) async throws(JournalError) {
        if isClosed.load(ordering: .acquiring) { throw Self.closed }
        write { contents, _ in
            guard let index = contents.schedules.index(of: workflow, schedule) else {
                contents.schedules.append(
                    ScheduleMark(workflow: workflow, schedule: schedule, time: time, run: run))
                return
            }
            guard contents.schedules[index].time < time else { return }
            contents.schedules[index].time = time
            if let run { contents.schedules[index].run = run }
        }
    }

    package func pause(_ workflow: String, _ schedule: String, _ isPaused: Bool) async throws(JournalError) -> Bool {
        if isClosed.load(ordering: .acquiring) { throw Self.closed }
        return write { contents, _ in
            guard let index = contents.schedules.index(of: workflow, schedule) else { return false }
            contents.schedules[index].isPaused = isPaused
            return true
        }
    }
}

extension [ScheduleMark] {
    package func index(of workflow: String, _ schedule: String) -> Int? {
        firstIndex { $0.workflow == workflow && $0.schedule == schedule }
    }
}
