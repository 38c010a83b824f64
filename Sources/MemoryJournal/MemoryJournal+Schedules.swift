internal import Synchronization
package import WorkflowEngine

extension MemoryJournal: ScheduleStore {
    package func scheduleMarks() async throws(JournalError) -> [ScheduleMark] {
        try read { contents, _ in contents.schedules }
    }

    package func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?, timing: String?
    ) async throws(JournalError) {
        if isClosed.load(ordering: .acquiring) { throw Self.closed }
        write { contents, _ in
            guard let index = contents.schedules.index(of: workflow, schedule) else {
                contents.schedules.append(
                    ScheduleMark(workflow: workflow, schedule: schedule, time: time, run: run, timing: timing))
                return
            }
            guard contents.schedules[index].time < time else { return }
            contents.schedules[index].time = time
            if let run { contents.schedules[index].run = run }
            if let timing { contents.schedules[index].timing = timing }
        }
    }

    package func setBack(
        _ workflow: String, _ schedule: String, from time: Int64, to earlier: Int64
    ) async throws(JournalError) {
        if isClosed.load(ordering: .acquiring) { throw Self.closed }
        write { contents, _ in
            guard let index = contents.schedules.index(of: workflow, schedule), contents.schedules[index].time == time
            else { return }
            contents.schedules[index].time = earlier
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
