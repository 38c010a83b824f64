package import WorkflowCore

/// A schedule as it stands.
package struct ScheduleState: Sendable {
    package var workflow: String
    package var schedule: Schedule
    package var isPaused: Bool
    /// The newest time that has been decided on; nil before a service has seen the schedule.
    package var time: Int64?
    /// The newest run that it began.
    package var run: String?

    /// By which it is found: the workflow and its own id.
    package var id: String { "\(workflow):\(schedule.id)" }
}

extension RunDirectory {
    /// The schedules of all workflows.
    package func schedules() async throws -> [ScheduleState] {
        let marks = try await store.scheduleMarks().byWorkflow
        return await catalog.workflows().flatMap { workflow in
            workflow.plan.schedules.map { schedule in
                let mark = marks[workflow.id]?[schedule.id]
                return ScheduleState(
                    workflow: workflow.id, schedule: schedule, isPaused: mark?.isPaused ?? false, time: mark?.time,
                    run: mark?.run)
            }
        }
    }

    /// The schedule of an id `WORKFLOW:SCHEDULE`, or of its own id alone where only one workflow has it.
    ///
    /// - Parameter isKnown: whether the schedules of a workflow count.
    /// - Throws: ``RunFailure`` with `unknown_schedule` or `ambiguous_schedule`.
    package func schedule(
        _ id: String, among isKnown: (_ workflow: String) -> Bool = { _ in true }
    ) async throws -> ScheduleState {
        let all = try await schedules().filter { isKnown($0.workflow) }
        if let found = all.first(where: { $0.id == id }) { return found }
        let named = all.filter { $0.schedule.id == id }
        guard let found = named.first else {
            throw RunFailure(code: "unknown_schedule", message: "there is no schedule '\(id)'")
        }
        if named.count > 1 {
            throw RunFailure(
                code: "ambiguous_schedule",
                message: "several workflows have a schedule '\(id)': \(named.map(\.id).joined(separator: ", "))")
        }
        return found
    }

    /// Pauses a schedule, whose times then pass without a run, or lets it go on.
    package func pause(_ schedule: ScheduleState, _ isPaused: Bool) async throws {
        if try await store.pause(schedule.workflow, schedule.schedule.id, isPaused) { return }
        // No service has seen it yet.
        try await store.advance(schedule.workflow, schedule.schedule.id, to: engine.clock.now(), run: nil)
        _ = try await store.pause(schedule.workflow, schedule.schedule.id, isPaused)
    }

    /// Begins a run with the input of a schedule, now and beside its times.
    ///
    /// - Parameter id: the run's; nil makes one. A run of that id that is there is given.
    package func trigger(
        _ schedule: ScheduleState, id: ReservedRunID? = nil, traceparent: String? = nil
    ) async throws -> StartedRun {
        var request = StartRequest(workflow: schedule.workflow, input: schedule.schedule.input)
        request.reservedID = id
        request.traceparent = traceparent
        return try await start(request)
    }
}

extension Schedule {
    /// The times after another one, at most so many; in microseconds since 1970.
    package func times(after time: Int64, count: Int) -> [Int64] {
        var (times, last) = ([Int64](), time)
        while times.count < count, let following = next(after: last) {
            times.append(following)
            last = following
        }
        return times
    }
}
