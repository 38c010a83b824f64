package import FlatValue
package import WorkflowCore

/// How a run enters the queue, besides what its workflow says.
package struct Queueing: Sendable {
    /// In place of the workflow's; nil for that.
    package var priority: Int64?
    /// The run is left to the store while it waits, and not driven.
    package var isLeft = false
    /// No limit keeps the run waiting: it takes the place of the one that it follows on, or was forked by hand.
    package var isExempt = false

    package init(priority: Int64? = nil, isLeft: Bool = false, isExempt: Bool = false) {
        self.priority = priority
        self.isLeft = isLeft
        self.isExempt = isExempt
    }
}

/// Runs that wait until their limits let them begin.
extension Worker {
    /// What a run with a valid input has to wait by; nil for one that begins at once.
    ///
    /// - Parameter time: when it is to begin at the earliest, in microseconds since 1970.
    func ticket(
        for run: Run, _ flow: FlowControl, _ input: Slice, at time: Int64, _ queueing: Queueing
    ) throws(ErrorObject) -> QueueTicket? {
        guard run.journaled != nil else { return nil }
        // Asked in any case: what it returns has to be right, whether or not anything holds the run back.
        let priority = try priority(run, flow, input, queueing)
        guard flow.mayHold else { return nil }
        guard (journal as? any QueueStore)?.keepsQueue == true else {
            throw ErrorObject(
                code: "unsupported",
                message: "the store of this engine keeps no queue, which the workflow's limits need")
        }
        var ticket = QueueTicket()
        ticket.isLeft = queueing.isLeft
        ticket.readyAt = time > now ? time : 0
        if let concurrency = flow.concurrency, let key = try key(run, concurrency.key, "concurrency.key", input) {
            ticket.shares.append(QueueTicket.Share(.concurrency, key: key, limit: Int(concurrency.limit)))
        }
        if let rate = flow.rate, let key = try key(run, rate.key, "rate_limit.key", input) {
            ticket.shares.append(QueueTicket.Share(.rate, key: key, limit: Int(rate.limit), period: rate.period))
        }
        if let singleton = flow.singleton, let key = try key(run, singleton.key, "singleton.key", input) {
            ticket.shares.append(QueueTicket.Share(.singleton, key: key, limit: 1))
            ticket.onConflict = singleton.onConflict
        }
        if let debounce = flow.debounce, let key = try key(run, debounce.key, "debounce.key", input) {
            ticket.debounce = key
            ticket.readyAt = max(ticket.readyAt, now.advanced(clampingBy: debounce.period))
        }
        // Without any key that counts, nothing holds it back but its time.
        if ticket.shares.isEmpty, ticket.debounce == nil { return nil }
        ticket.priority = priority
        return ticket
    }

    /// The key of a run; nil where the function gives none, so that the limit does not count.
    private func key(
        _ run: Run, _ slot: CallbackSlot, _ name: String, _ input: Slice
    ) throws(ErrorObject) -> String? {
        if slot == 0 { return "" }
        let value = try ask(slot, named: name, run.log.arena[input], of: run).get()
        if value.isNull { return nil }
        guard let text = QueueKey(value)?.text else {
            throw ErrorObject(
                code: "invalid_key",
                message: "`\(name)` returned \(value.withCursor(\.shortText)); it has to return a string, "
                    + "a number or a boolean")
        }
        guard text.utf8.count <= QueueKey.longest else {
            throw ErrorObject(code: "invalid_key", message: "`\(name)` returned more than 500 bytes")
        }
        // Not every store keeps it.
        if text.utf8.contains(0) {
            throw ErrorObject(code: "invalid_key", message: "`\(name)` returned a text with a zero byte")
        }
        return text
    }

    private func priority(
        _ run: Run, _ flow: FlowControl, _ input: Slice, _ queueing: Queueing
    ) throws(ErrorObject) -> Int64 {
        if let given = queueing.priority { return given }
        switch flow.priority {
        case nil: return 0
        case .fixed(let priority): return priority
        case .chosen(let slot):
            let value = try ask(slot, named: "priority", run.log.arena[input], of: run).get()
            if value.isNull { return 0 }
            guard let priority = value.int ?? value.double.flatMap({ Int64(exactly: $0) }),
                FlowControl.priorities.contains(priority)
            else {
                throw ErrorObject(
                    code: "invalid_priority",
                    message:
                        "`priority` returned \(value.withCursor(\.shortText)); it has to return a whole number from -1000000 to 1000000"
                )
            }
            return priority
        }
    }

    /// Calls a function of a workflow that belongs to no step, in a run that is never recorded. It has to answer at once.
    ///
    /// - Parameters:
    ///   - name: as the script names it, for messages.
    ///   - argument: a flat value.
    ///   - like: a run of the workflow, on whose behalf the function is called.
    package func ask(
        _ slot: CallbackSlot, named name: String, _ argument: UnsafeRawBufferPointer, of like: Run
    ) -> Result<Value, ErrorObject> {
        let scratch = Run(pool: like.pool, id: like.id, now: now)
        scratch.log.limit = limits.runSize
        let input = scratch.log.arena.writing { $0.append(argument) }
        scratch.decide(.started(input: input, metadata: .none, ctx: .none), at: now)
        let outcome = scratch.executor.call(slot, input, limits: limits.callback, run: scratch, frame: 0)
        readTime()
        defer { scratch.executor.dropEffects() }
        switch outcome.status {
        case .done: return .success(Value(scratch.log.value(outcome.value)))
        case .failed:
            let error = Value(scratch.log.value(outcome.value))
            return .failure(
                ErrorObject(
                    code: error["code"]?.string ?? "error",
                    message: "`\(name)`: \(error["message"]?.string ?? error.json)",
                    traceback: error["traceback"]?.string))
        case .suspended:
            if let call = outcome.call {
                scratch.executor.close(
                    call, code: "may_not_wait", message: "`\(name)` has to answer at once", run: scratch, frame: 0)
            }
            return .failure(
                ErrorObject(
                    code: "may_not_wait", message: "`\(name)` asks the host for something; it has to answer at once"))
        case .interrupted where like.isCancelAsked || closing != nil:
            let reason = like.isCancelAsked ? "run \(like.id) is cancelled" : closing?.message ?? ""
            return .failure(ErrorObject(code: ErrorObject.stopped, message: "`\(name)` was stopped: \(reason)"))
        case .interrupted:
            return .failure(
                ErrorObject(
                    code: "timeout",
                    message: "`\(name)` used more than \(durationText(nanoseconds: limits.callback.cpu)) of CPU time"))
        }
    }

    /// Ends a run that was cancelled, or whose engine ends, while it was looked at whether it may begin; false for any other.
    func endsBeforeStart(_ run: Run) -> Bool {
        if run.isCancelAsked {
            cancel(run)
        } else if let closing {
            lose(run, closing)
        } else {
            return false
        }
        return true
    }

    /// The entry of a run that waits in the queue is in the journal.
    func queued(_ run: Run, _ ticket: QueueTicket) {
        tell(run)
        run.observer?.runQueued(run)
        if ticket.isLeft {
            lose(run, JournalError(code: .queued, message: "run \(run.id) waits in the queue"))
        }
    }

    /// Has a run begin that waited in the queue; it begins at the time at which the store let it.
    func begin(_ run: Run, admittedAt time: Int64) {
        // The limits hold between the times at which runs were let begin, so a clock that was read before does not do.
        if time > now { readTime() }
        let earliest = run.log.count > 0 ? run.log[run.log.count - 1].time : time
        run.decide(.admitted, at: max(earliest, min(time, now)))
    }
}

extension QueueTicket {
    /// What the run's journal keeps of it, with the input that the run begins with.
    func write(_ input: Slice, into arena: inout ByteArena) -> Slice {
        var entries: [(String, Value)] = []
        for share in shares {
            switch share.kind {
            case .concurrency:
                entries.append(("concurrency", ["key": Value(share.key), "limit": Value(Int64(share.limit))]))
            case .rate:
                entries.append(
                    (
                        "rateLimit",
                        [
                            "key": Value(share.key), "limit": Value(Int64(share.limit)),
                            "period": Value(share.period / 1000),
                        ]
                    ))
            case .singleton:
                entries.append(("singleton", ["key": Value(share.key), "onConflict": Value(onConflict.rawValue)]))
            }
        }
        if let debounce { entries.append(("debounce", ["key": Value(debounce)])) }
        entries.append(("priority", Value(priority)))
        if readyAt > 0 { entries.append(("startAt", Value(readyAt / 1000))) }
        return arena.writing { arena in
            let object = arena.beginObject()
            for (key, value) in entries {
                arena.writeKey(key)
                arena.write(value)
            }
            arena.writeKey("input")
            arena.append(input)
            arena.end(object, count: entries.count + 1)
        }
    }
}
