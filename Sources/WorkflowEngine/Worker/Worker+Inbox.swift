package import FlatValue
internal import WorkflowCore

/// Messages that other processes leave for runs in the store.
extension Worker {
    /// Does what a message asks, and has the store told what became of it together with the events that follow.
    func take(_ message: InboxMessage, for run: Run) {
        if let mirror = run.mirror {
            var message = message
            // A process for code alone lets no run go on as another one.
            if case .cancelChain(let reason) = message.content.request {
                message.content = .init(.cancel(reason: reason))
            }
            return deliver(message, to: run, mirror) { _ in }
        }
        let before = run.log.count
        do {
            try carryOut(message.content.request, postedAt: message.postedAt, for: run)
            if run.log.count > before {
                run.settlements.append(message.number)
            } else {
                openBatch().answer(message.number, with: .taken)
            }
        } catch let failure as RunFailure {
            openBatch().answer(message.number, with: .refused(failure))
        } catch {
            openBatch().answer(message.number, with: .refused(code: "failed", message: "\(error)"))
        }
    }

    /// Does what a message asks.
    func carryOut(_ request: InboxRequest, postedAt time: Int64, for run: Run) throws {
        switch request {
        case .reply(let path, let data, nil, nil): try reply(run, waitingFrame(of: run, at: path), data)
        case .reply(let path, let data, let name, let key): try reply(run, at: path, data, by: name, key: key)
        case .signal(let event, let payload, let key): try signal(run, event, payload, key: key)
        case .begin: begin(run, admittedAt: time)
        case .cancel(let reason), .cancelChain(let reason):
            if run.machine.isOver { throw RunFailure.over(run) }
            run.askToCancel(reason)
            cancel(run)
        }
    }

    /// Gives a run a signal, if a step of it can take one and it has not taken this one before.
    package func signal(_ run: Run, _ event: String, _ payload: Value, key: RequestKey? = nil) throws {
        if try key?.isRecorded(in: run.log) == true { return }
        let before = enter(run)
        defer { leave(run, before) }
        // A cancel that was asked for meanwhile has been recorded by now.
        if run.machine.isOver { throw RunFailure.over(run) }
        if let closing = run.machine.closing { throw RunFailure.ending(run, closing) }
        try requireRoom(run, for: payload)
        let mark = run.log.arena.count
        let written = run.log.arena.writing { $0.write(payload) }
        let settled: Slice
        do {
            settled = try accepted(event, written, run)
        } catch {
            run.log.arena.count = mark
            throw error
        }
        let signal = run.log.arena.writing { arena in
            let object = arena.beginObject()
            arena.writeKey("name")
            arena.write(event)
            arena.writeKey("payload")
            arena.append(settled)
            if let key {
                arena.writeKey("key")
                arena.write(key.text)
            }
            arena.end(object, count: key == nil ? 2 : 3)
        }
        guard run.decide(.signalled(signal: signal), at: now) else {
            run.log.arena.count = mark
            throw RunFailure(code: RunFailure.Code.notStarted, message: "run \(run.id) has not begun")
        }
    }

    /// What comes with an event, as the schema of the step that takes it leaves it.
    ///
    /// Where no step waits for the event yet, it has to fit every step that may come to wait for it.
    private func accepted(_ event: String, _ payload: Slice, _ run: Run) throws -> Slice {
        let plan = run.plan
        let takers = plan.nodes.indices.filter { plan.nodes[$0].kind == .waitFor && plan.details[$0].event == event }
        if takers.isEmpty { throw unknown(event, plan) }
        let waiting = run.machine.frames.elements.first { frame in
            frame.phase == .waiting && takers.contains(Int(frame.node))
        }
        let nodes = waiting.map { [Int($0.node)] } ?? takers
        var settled = payload
        for node in nodes {
            switch validate(plan.nodes[node].outputSchema, payload, run, within: limits.callback) {
            case .valid(let value): if nodes.count == 1 { settled = value }
            case .invalid(let summary, let details):
                throw RunFailure(
                    code: RunFailure.Code.invalidEvent,
                    message:
                        "the data of event '\(event)' does not fit the schema of '\(plan.details[node].id)': \(summary)",
                    details: details)
            case .stopped: throw stopped(run, "the data of event '\(event)'")
            }
        }
        return settled
    }

    private func unknown(_ event: String, _ plan: Plan) -> RunFailure {
        let known = plan.nodes.indices.compactMap { plan.details[$0].event }
        var message = "workflow '\(plan.id)' has no step that waits for '\(event)'"
        if let near = nearest(to: event, in: known) {
            message += "; did you mean '\(near)'?"
        } else if !known.isEmpty {
            message += "; it waits for: " + Set(known).sorted().joined(separator: ", ")
        }
        return RunFailure(code: RunFailure.Code.unknownEvent, message: message)
    }

    /// Tells whoever holds a run that nothing of it is under way any more.
    func quieten(_ run: Run) {
        guard let quietened = run.quietened, run.isDurable, run.calls.isEmpty else { return }
        if let mirror = run.mirror, !mirror.isQuiet { return mirror.driver.hold(run, on: self) }
        run.quietened = nil
        quietened()
    }
}

extension RunFailure {
    static func over(_ run: Run) -> RunFailure {
        RunFailure(
            code: RunFailure.Code.over,
            message: "run \(run.id) is over (\(run.machine.status.rawValue)); it waits for nobody")
    }

    /// Nothing waits any more in a run whose end is decided, also before it is over.
    static func ending(_ run: Run, _ closing: Closing) -> RunFailure {
        let word = closing.ending == .workflowSuccess ? "success" : "failed"
        return RunFailure(
            code: RunFailure.Code.over,
            message:
                "run \(run.id) is ending (\(closing.ending == .workflowCancelled ? "cancelled" : word)); it waits for nobody"
        )
    }
}
