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
        do {
            return try hook.outcome(of: payload["request"] ?? .emptyObject) { call(Int64($0), $1) }
        } catch let error as JSONError {
            return .failure(
                code: "invalid_json", message: "Invalid JSON payload", retryable: false,
                details: ["message": Value(error.description)])
        } catch let failure as RunFailure {
            return .failure(code: failure.code, message: failure.message, retryable: false, details: failure.details)
        } catch {
            return .failure(code: "failed", message: "\(error)")
        }
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

extension Webhook {
    /// - Parameter request: `{ method, path, query, headers, body }`, the names of headers in lower case.
    fileprivate func outcome(of request: Value, _ call: (CallbackSlot, Value) -> HostAnswer) throws -> HostAnswer {
        let body = request["body"]?.string ?? ""
        var entries = (request.entries ?? []).map { ($0.key, $0.value) }
        let json = try HookReading.json(body, type: request["headers"]?["content-type"]?.string)
        if let json { entries.append(("json", json)) }
        let request = Value(entries: entries)
        if signal != 0 {
            let returned = call(signal, request)
            guard returned.ok else { return returned }
            guard let (run, event, data) = try HookReading.signal(returned.value) else {
                return .success(["ignored": true])
            }
            return .success(["runId": Value(run), "event": Value(event), "data": data])
        }
        var input = json ?? Value(body)
        if self.input != 0 {
            let returned = call(self.input, request)
            guard returned.ok else { return returned }
            if returned.value.isNull { return .success(["ignored": true]) }
            input = returned.value
        }
        guard runID != 0 else { return .success(["input": input]) }
        let returned = call(runID, request)
        guard returned.ok else { return returned }
        guard let id = try HookReading.runID(returned.value) else { return .success(["input": input]) }
        return .success(["input": input, "runId": Value(id)])
    }
}
