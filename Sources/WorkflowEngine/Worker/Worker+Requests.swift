internal import FlatValue
internal import WorkflowCore

/// What a call asks of its own run, by the name of the operation.
enum RunRequest: String {
    /// `{ name }` or `{ prefix }`: begins a part of the handler that runs once. A prefix is numbered within the call. Answered
    /// with `{ name, is_recorded, value? }`; a name that the call has used before is an error.
    case begin = "once.begin"
    /// `{ name, value? }`: records a value for this start of the step; answered with the record once it is durable.
    case record = "once.record"
    /// `{ name, workflow, input, id?, leaves? }`: starts a run of another workflow, once for each id; `name` is that of the part
    /// of the handler that does it, of which the id is made where none is given. Answered with `{ run }` once the store has it.
    case start = "run.start"
    /// `{ run }`: waits for the end of a run that was started; answered with its output, or its error.
    case wait = "run.wait"
    /// Any value: tells whoever watches the run.
    case stream = "stream"
    /// A number: what the operation of the call has told of that was given this number as `deltas`, as a list, once there is
    /// something; null when it has ended.
    case deltas
    /// A number: nothing more will be told under it.
    case deltasEnd = "deltas.end"
    /// `{ input }`: ends the run in favour of another one that begins with this input. Answered with an error alone: the call is
    /// stopped.
    case restart
    /// `{ input, results, usage, budgets }` of the construct around the step, or of the one whose `collect` asks: its input, the
    /// results of a loop so far, what the models below it have used, and the budgets that hold there.
    case enclosing = "enclosing"
}

extension Worker {
    /// The largest value that ``RunRequest/record`` takes, in bytes.
    static let recordLimit = 8 << 20

    func serve(
        _ operation: RunRequest, _ request: CallRequest, _ run: Run, _ pending: PendingCall,
        _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        let isKnown = run.machine.frames.indices.contains(Int(pending.frame))
        let isLooking: Bool
        switch operation {
        case .begin, .record, .restart, .start, .wait: isLooking = false
        case .stream, .deltas, .deltasEnd, .enclosing: isLooking = true
        }
        guard isKnown, pending.stage.isWork || isLooking else {
            let what =
                switch operation {
                case .restart: "a run restarts"
                case .start, .wait: "runs start others"
                case .begin where request.payload["prefix"]?.string == "start": "runs start others"
                case .begin, .record, .stream, .deltas, .deltasEnd, .enclosing: "results are recorded"
                }
            answer(
                .failure(
                    code: "invalid_argument", message: "\(what) in handlers of steps only, not in `\(pending.stage)`",
                    retryable: false))
            return nil
        }
        switch operation {
        case .begin: answer(begin(request.payload, run, pending))
        case .record: record(request.payload, run, pending, answer)
        case .start: return startChild(request.payload, run, pending, answer)
        case .wait: return awaitChild(request.payload, run, pending, answer)
        case .restart:
            let isHandler = pending.stage == .handler
            let refusal =
                isHandler
                ? restart(run, pending.frame, with: request.payload["input"] ?? .null)
                : ErrorObject(
                    code: "invalid_argument", message: "a run restarts from the handler of a step only",
                    retryable: false)
            answer(
                refusal.map { .failure(code: $0.code, message: $0.message, retryable: false) } ?? .success(.null))
        case .stream:
            stream(run, pending.frame, request.payload, mayHaveSecrets: pending.asksForSecrets)
            answer(.success(.null))
        case .deltas:
            let key = request.payload.int ?? 0
            guard run.calls[pending.id]?.deltas[key] != nil else {
                answer(.success(.null))
                return nil
            }
            let wait = run.calls[pending.id]?.deltas[key]?.take(answer)
            forgetSpent(key, run, pending)
            return wait
        case .deltasEnd:
            let key = request.payload.int ?? 0
            run.calls[pending.id]?.deltas[key]?.end()
            forgetSpent(key, run, pending)
            answer(.success(.null))
        case .enclosing:
            let isInside = pending.stage == .handler
            let frame = isInside ? run.machine.frames[Int(pending.frame)].parent : pending.frame
            answer(.success(enclosing(run, frame)))
        }
        return nil
    }

    private func forgetSpent(_ key: Int64, _ run: Run, _ pending: PendingCall) {
        if run.calls[pending.id]?.deltas[key]?.isSpent == true {
            run.calls[pending.id]?.deltas.removeValue(forKey: key)
        }
    }

    private func begin(_ payload: Value, _ run: Run, _ pending: PendingCall) -> HostAnswer {
        var name = payload["name"]?.string ?? ""
        if let prefix = payload["prefix"]?.string, var call = run.calls[pending.id] {
            repeat {
                call.numbers[prefix, default: 0] += 1
                name = "\(prefix) \(call.numbers[prefix, default: 0])"
            } while call.names.contains(name)
            run.calls[pending.id]?.numbers = call.numbers
        }
        guard run.calls[pending.id]?.names.insert(name).inserted == true else {
            return .failure(
                code: "invalid_argument",
                message: "context:once(\"\(name)\") was called before in this handler; each part has a name of its own",
                retryable: false)
        }
        let record = run.machine.onces.record(of: name, frame: pending.frame)
        var entries: [(String, Value)] = [("name", Value(name)), ("is_recorded", Value(record != nil))]
        if let record, !record.isNone { entries.append(("value", Value(run.log.value(record)))) }
        return .success(Value(entries: entries))
    }

    private func record(
        _ record: Value, _ run: Run, _ pending: PendingCall, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) {
        let name = record["name"]?.string ?? ""
        let size = record.byteCount
        guard size <= Self.recordLimit else {
            return answer(
                .failure(
                    code: "once_too_large",
                    message: "the result of context:once(\"\(name)\") takes \(size) bytes, and the limit is "
                        + "\(Self.recordLimit) (8 MiB): record where it lies instead", retryable: false))
        }
        guard run.log.hasRoom(for: size) else {
            let error = ErrorObject.runTooLarge(run.log.limit)
            return answer(.failure(code: error.code, message: error.message, retryable: false))
        }
        let slice = run.log.arena.writing { $0.write(record) }
        guard run.decide(.recorded(frame: pending.frame, record: slice), at: now) else {
            return answer(.failure(code: "over", message: "the run is over", retryable: false))
        }
        // A run that is lost ends its calls, and tells them why.
        whenDurable(run) { error in if error == nil { answer(.success(record)) } }
    }

    private func enclosing(_ run: Run, _ frame: Int32) -> Value {
        guard frame >= 0 else { return .emptyObject }
        let state = run.machine.frames[Int(frame)]
        return Value { arena in
            let object = arena.beginObject()
            arena.writeKey("input")
            if state.input.isNone { arena.writeNull() } else { arena.append(run.log.arena[state.input]) }
            arena.writeKey("results")
            let list = arena.beginArray()
            var count = 0
            if state.table >= 0 {
                for result in run.machine.tables[state.table] where !result.isNone {
                    arena.append(run.log.arena[result])
                    count += 1
                }
            }
            arena.end(list, count: count)
            arena.writeKey("usage")
            arena.write(run.machine.usage(below: frame).scriptValue)
            arena.writeKey("budgets")
            arena.write(Value(array: budgets(run, frame)))
            arena.end(object, count: 4)
        }
    }

    /// The budgets of a frame's node and of all around it: `{ id, budget, usage, began? }` each, the innermost first; `began` is
    /// in milliseconds since 1970, where there is a budget of time.
    private func budgets(_ run: Run, _ frame: Int32) -> [Value] {
        var budgets: [Value] = []
        var frame = frame
        while frame >= 0 {
            let state = run.machine.frames[Int(frame)]
            let details = run.plan.details[Int(state.node)]
            if let budget = details.budget {
                var entries: [(String, Value)] = [
                    ("id", Value(details.id)), ("budget", budget),
                    ("usage", run.machine.usage(below: frame).scriptValue),
                ]
                if budget["time"] != nil, let began = start(of: frame, in: run) {
                    entries.append(("began", Value(began / 1000)))
                }
                budgets.append(Value(entries: entries))
            }
            frame = state.parent
        }
        return budgets
    }

    /// When the node of a frame was started, in microseconds since 1970.
    private func start(of frame: Int32, in run: Run) -> Int64? {
        let node = run.machine.frames[Int(frame)].node
        for index in stride(from: run.log.count - 1, through: 0, by: -1) {
            let event = run.log[index]
            if event.kind == .stepStart, event.frame == frame, event.node == node { return event.time }
        }
        return nil
    }

    /// Tells whoever watches a run of something that nobody records.
    ///
    /// - Parameter mayHaveSecrets: whether it may have a part of something that the journal has not yet.
    func stream(_ run: Run, _ frame: Int32, _ data: Value, mayHaveSecrets: Bool) {
        guard let observer = run.observer, run.machine.frames.indices.contains(Int(frame)) else { return }
        // What comes before it in the journal comes before it here.
        if run.isWatched { tell(run) }
        var event = TransientEvent(
            type: "step:delta", workflowID: run.plan.id, runID: run.id, path: run.machine.path(of: frame), data: data)
        event.mayHaveSecrets = mayHaveSecrets || run.plan.hasSecrets || !run.readSecrets().isEmpty
        observer.runStreamed(event)
    }
}
