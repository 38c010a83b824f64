internal import FlatValue
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

extension Route {
    static let schedules: [Route] = [
        Route(.get, "/api/schedules", "Lists the schedules of all workflows.", role: .read) { request, core in
            let now = core.directory.engine.clock.now()
            let visible = try await core.directory.schedules().filter { request.context.principal.maySee($0.workflow) }
            return .json(["schedules": Value(array: visible.map { value($0, at: now) })])
        },
        Route(
            .get, "/api/schedules/{id}/next", "The times that come next.", role: .read,
            query: [
                Parameter(
                    name: "count", text: "How many; 10 without it.",
                    schema: ["type": "integer", "minimum": 1, "maximum": 1000])
            ], errors: [404, 409]
        ) { request, core in
            let schedule = try await schedule(request, core)
            let count = try request.number("count", in: 1...1000) ?? 10
            let times = schedule.schedule.times(after: core.directory.engine.clock.now(), count: count)
            return .json(["id": Value(schedule.id), "times": Value(array: times.map(time))])
        },
        changing("pause", "Pauses a schedule: its times pass without a run.") { schedule, core in
            try await core.directory.pause(schedule, true)
        },
        changing("resume", "Lets a schedule that was paused go on.") { schedule, core in
            try await core.directory.pause(schedule, false)
        },
        Route(
            .post, "/api/schedules/{id}/trigger", "Begins a run of a schedule now.", role: .run, answers: [202],
            errors: [404, 409]
        ) { request, core in
            let schedule = try await schedule(request, core)
            let key = try request.key(of: "schedule \(schedule.id)")
            let started = try await core.directory.trigger(
                schedule, id: key.map(ReservedRunID.keyed), traceparent: traceparent(request))
            return .json(["runId": Value(started.id)], status: .accepted)
        },
    ]

    private static func changing(
        _ verb: String, _ summary: String,
        _ change: @escaping @Sendable (ScheduleState, ServerCore) async throws -> Void
    ) -> Route {
        Route(.post, "/api/schedules/{id}/\(verb)", summary, role: .run, errors: [404, 409]) { request, core in
            try await change(schedule(request, core), core)
            let now = core.directory.engine.clock.now()
            return .json(value(try await schedule(request, core), at: now))
        }
    }

    /// The schedule that the path names, if the caller may see it.
    private static func schedule(_ request: APIRequest, _ core: ServerCore) async throws -> ScheduleState {
        try await core.directory.schedule(
            request.parameter("id"), among: request.context.principal.maySee)
    }

    /// A time in microseconds since 1970 as ISO 8601 text.
    private static func time(_ microseconds: Int64) -> Value {
        Value(Timestamp.text(milliseconds: microseconds / 1000))
    }

    private static func value(_ state: ScheduleState, at now: Int64) -> Value {
        let schedule = state.schedule
        var entries: [(String, Value)] = [
            ("id", Value(state.id)), ("workflowId", Value(state.workflow)), ("scheduleId", Value(schedule.id)),
        ]
        switch schedule.timing {
        case .cron(let cron, let zone): entries += [("cron", Value(cron.text)), ("timezone", Value(zone))]
        case .every(let interval): entries.append(("every", Value(DurationText.text(microseconds: interval))))
        }
        entries.append(("input", schedule.input))
        entries.append(("overlap", Value(schedule.overlap.rawValue)))
        entries.append(("catchUp", Value(DurationText.text(microseconds: schedule.catchUp))))
        entries.append(("catchUpAll", Value(schedule.catchesUpAll)))
        entries.append(("paused", Value(state.isPaused)))
        entries.append(("lastTime", state.time.map(time) ?? .null))
        entries.append(("lastRunId", state.run.map { Value($0) } ?? .null))
        entries.append(("nextTime", schedule.next(after: now).map(time) ?? .null))
        return Value(entries: entries)
    }
}
