internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// What the hooks and the schedules of a workflow under test come to.
enum TestTriggers {
    /// Has a hook look at a request as a server does, signatures aside: `{ input, runId? }`, `{ runId, event, data }` or
    /// `{ ignored }`.
    ///
    /// - Parameter payload: `{ hook, request }`; the hook by its id, or the only one.
    static func hook(_ payload: Value, of plan: Plan, _ call: (Int64, Value) -> HostAnswer) -> HostAnswer {
        let id = payload["hook"]?.string
        guard let hook = id == nil && plan.hooks.count == 1 ? plan.hooks[0] : plan.hooks.first(where: { $0.id == id })
        else { return missing("hook", id, plan.hooks.map(\.id), in: plan) }
        let request = payload["request"] ?? .emptyObject
        func ask(_ slot: CallbackSlot) -> HostAnswer { call(Int64(slot), request) }
        if hook.signal != 0 {
            let signal = ask(hook.signal)
            guard signal.ok, let run = signal.value["run_id"], run.string != nil else {
                return signal.ok ? .success(["ignored": true]) : signal
            }
            return .success(
                ["runId": run, "event": signal.value["event"] ?? .null, "data": signal.value["data"] ?? .null])
        }
        var input = request["json"] ?? request["body"] ?? .null
        if hook.input != 0 {
            let answer = ask(hook.input)
            guard answer.ok else { return answer }
            if answer.value.isNull { return .success(["ignored": true]) }
            input = answer.value
        }
        guard hook.runID != 0 else { return .success(["input": input]) }
        let run = ask(hook.runID)
        return run.ok ? .success(["input": input, "runId": run.value]) : run
    }

    /// The next time of a schedule, `{ time, input }` in milliseconds since 1970.
    ///
    /// - Parameters:
    ///   - payload: `{ schedule, after? }`; the schedule by its id, or the only one.
    ///   - now: in microseconds since 1970.
    static func schedule(_ payload: Value, of plan: Plan, at now: Int64) -> HostAnswer {
        let id = payload["schedule"]?.string
        let schedules = plan.schedules
        guard
            let schedule = id == nil && schedules.count == 1 ? schedules[0] : schedules.first(where: { $0.id == id })
        else { return missing("schedule", id, schedules.map(\.id), in: plan) }
        let (after, overflows) = (payload["after"]?.int ?? now / 1000).multipliedReportingOverflow(by: 1000)
        guard !overflows, let time = schedule.next(after: after) else {
            return .failure(code: "no_time", message: "schedule '\(schedule.id)' has no time after that one")
        }
        return .success(["time": Value(time / 1000), "input": schedule.input])
    }

    private static func missing(_ what: String, _ id: String?, _ known: [String], in plan: Plan) -> HostAnswer {
        let list = known.isEmpty ? "it has none" : "it has: \(known.joined(separator: ", "))"
        let name = id.map { " '\($0)'" } ?? " alone"
        return .failure(
            code: "unknown_\(what)", message: "workflow '\(plan.id)' has no \(what)\(name); \(list)", retryable: false)
    }
}
