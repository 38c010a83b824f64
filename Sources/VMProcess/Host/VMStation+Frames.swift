internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// What processes say.
extension VMStation {
    func take(_ notice: VMChild.Notice, from child: VMChild) {
        guard let process = process(of: child) else { return }
        switch notice {
        case .frame(let frame):
            defer { child.handled(frame) }
            guard !child.isKilled else { return }
            process.silence = 0
            do throws(FrameFault) { try handle(frame, from: process) } catch {
                child.kill(because: "it sent \(error.description)")
            }
        case .ended(let end): ended(process, end)
        }
    }

    private func handle(_ frame: WireFrame, from process: HostedProcess) throws(FrameFault) {
        // What its runs say does not show that it comes to an end of what it does besides.
        if frame.kind == .loaded || frame.kind == .returned { process.strayTime = 0 }
        switch frame.kind {
        case .ready:
            refusals = 0
            try ready(frame.header, process)
        case .loaded: try loaded(frame.header, by: process)
        case .ask: try asked(frame.header, by: process)
        case .batch: try record(frame, from: process)
        case .request: try request(frame, from: process)
        case .cancel: process.calls.removeValue(forKey: frame.header["call"]?.int ?? 0)?.operation?.cancel()
        case .transient: try tell(frame, from: process)
        case .log: try log(frame.header, from: process)
        case .print: try printed(frame.header, by: process)
        case .quiet: quiet(frame.header["run"]?.string ?? "", in: process)
        case .refused: try refused(frame.header, by: process)
        case .returned: try returned(frame, by: process)
        case .pong: break
        case .configure, .load, .told, .begin, .restore, .outcomes, .answer, .stream, .message, .hold, .drop, .forget,
            .call, .ping:
            throw FrameFault("a frame of the host")
        }
    }

    private func ready(_ header: Value, _ process: HostedProcess) throws(FrameFault) {
        guard let bits = header["locks"]?.int.flatMap({ UInt32(exactly: $0) }) else { throw FrameFault("no locks") }
        process.becomeReady()
        let missing = VMLocks.missing(bits)
        guard !missing.isEmpty else { return }
        guard pool.options.isStrict else {
            return pool.options.told("the system locks the process in which Lua runs without \(missing)")
        }
        let why = "the system does not lock processes as --isolate=strict wants: \(missing)"
        fail(loadsIn: process, "not_isolated", why)
        for hosted in process.runs.values { worker.giveUp(hosted.run, code: "not_isolated", message: why) }
        process.child.kill(because: why)
    }

    /// The run of a name that a process has; nil for one that it was told to drop.
    private func run(_ id: String, of process: HostedProcess) throws(FrameFault) -> HostedRun? {
        if let hosted = process.runs[id] { return hosted }
        if process.dropped.contains(id) { return nil }
        throw FrameFault("something of a run that is not its own")
    }

    private func tell(_ frame: WireFrame, from process: HostedProcess) throws(FrameFault) {
        guard let type = frame.header["type"]?.string else { throw FrameFault("an event without a type") }
        guard let hosted = try run(frame.header["run"]?.string ?? "", of: process) else { return }
        var event = TransientEvent(
            type: type, workflowID: hosted.run.plan.id, runID: hosted.id, path: frame.header["path"]?.string,
            data: try frame.value)
        event.mayHaveSecrets = hosted.run.plan.hasSecrets || frame.header["secret"] != nil
        worker.stream(event, of: hosted.run)
    }

    private func log(_ header: Value, from process: HostedProcess) throws(FrameFault) {
        guard let lines = header["lines"]?.array else { throw FrameFault("lines of the log that are none") }
        for line in lines { pool.options.script.log(try record(line, from: process)) }
    }

    private func printed(_ header: Value, by process: HostedProcess) throws(FrameFault) {
        let record = try record(header, from: process)
        let script = pool.options.script
        if let printed = script.printed { printed(record) } else { script.print(record.message) }
    }

    private func record(_ header: Value, from process: HostedProcess) throws(FrameFault) -> LogRecord {
        let id = header["run"]?.string ?? ""
        let hosted = id.isEmpty ? nil : try run(id, of: process)
        guard let record = LogRecord(wire: header, workflow: hosted?.run.plan.id ?? "") else {
            throw FrameFault("a line of the log that is none")
        }
        return record
    }

    private func quiet(_ id: String, in process: HostedProcess) {
        process.dropped.remove(id)
        guard let hosted = process.runs[id] else { return }
        hosted.run.mirror?.isQuiet = true
        worker.enqueue(hosted.run)
    }

    private func refused(_ header: Value, by process: HostedProcess) throws(FrameFault) {
        guard let code = header["code"]?.string else { throw FrameFault("a refusal without a reason") }
        guard let hosted = try run(header["run"]?.string ?? "", of: process) else { return }
        worker.giveUp(hosted.run, code: code, message: header["message"]?.string ?? code)
    }

    private func returned(_ frame: WireFrame, by process: HostedProcess) throws(FrameFault) {
        let header = frame.header
        guard let answer = process.questions.removeValue(forKey: header["question"]?.int ?? 0) else {
            throw FrameFault("an answer to no question")
        }
        if header["ok"]?.bool == true {
            answer.give(.success(try frame.value))
        } else {
            answer.give(
                .failure(
                    RunFailure(
                        code: header["code"]?.string ?? "failed", message: header["message"]?.string ?? "",
                        details: header["details"])))
        }
        release(process)
    }

    // MARK: Recording

    /// Checks a batch and hands its entries to the store.
    private func record(_ frame: WireFrame, from process: HostedProcess) throws(FrameFault) {
        let wire = try WireBatch(frame)
        let batch = pool.options.isEager ? nil : HostedBatch(wire.number, entries: wire.entries.count)
        var settlements = wire.settlements[...]
        var fault: FrameFault?
        frame.body.withUnsafeBytes { body in
            do throws(FrameFault) {
                for (index, entry) in wire.entries.enumerated() {
                    var messages: [Int64] = []
                    while let settlement = settlements.first, settlement.entry == index {
                        settlements.removeFirst()
                        messages.append(settlement.message)
                    }
                    guard let hosted = try run(entry.run, of: process) else {
                        batch?.open -= 1
                        continue
                    }
                    try take(entry, body, answering: messages, of: hosted)
                    if let batch {
                        hosted.receipts.append(
                            HostedRun.Receipt(batch: batch, entry: index, count: hosted.run.log.count))
                    }
                }
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
        for (message, answer) in wire.answers { self.answer(message, answer, from: process) }
        if let batch, batch.open == 0 {
            process.send(WireFrame(.outcomes, WireOutcomes(number: batch.number, outcomes: batch.outcomes).header))
        }
    }

    /// Checks an entry and appends it to the run's journal.
    private func take(
        _ entry: WireBatch.Entry, _ body: UnsafeRawBufferPointer, answering messages: [Int64], of hosted: HostedRun
    ) throws(FrameFault) {
        let run = hosted.run
        guard entry.sequence == run.log.count, !entry.events.isEmpty else {
            throw FrameFault("an entry that does not follow on run \(entry.run)")
        }
        // The process stops a run well before; twice as much is no run of an honest one.
        guard run.log.size + entry.arena.count + entry.events.count <= 2 * hosted.sizeLimit else {
            throw FrameFault("more than run \(entry.run) may record")
        }
        if let ticket = entry.ticket { try takePlace(ticket, at: entry.sequence, of: hosted) }
        try checkStart(UnsafeRawBufferPointer(rebasing: body[entry.events]), of: hosted)
        let answered = messages.compactMap { number in
            hosted.messages.firstIndex { $0.message.number == number }.map { hosted.messages.remove(at: $0) }
        }
        do throws(JournalDamage) {
            try worker.record(
                events: UnsafeRawBufferPointer(rebasing: body[entry.events]),
                arena: UnsafeRawBufferPointer(rebasing: body[entry.arena]),
                settling: answered.map(\.message.number).filter { $0 > 0 }, of: run, with: &decoder)
        } catch {
            throw FrameFault("an entry of run \(entry.run) that is no part of a journal: \(error)")
        }
        hosted.source = .recorded
        hosted.process?.weigh(hosted)
        for (_, told) in answered {
            worker.whenDurable(run) { error in
                told(error.map { .refused(code: $0.code, message: $0.message) } ?? .taken)
            }
        }
    }

    private func answer(_ number: Int64, _ answer: InboxAnswer, from process: HostedProcess) {
        for hosted in process.runs.values {
            guard let index = hosted.messages.firstIndex(where: { $0.message.number == number }) else { continue }
            let (_, told) = hosted.messages.remove(at: index)
            worker.answer(number, with: answer)
            return told(answer)
        }
    }
}

extension HostedProcess {
    /// It is ready, or will not be.
    func becomeReady() {
        isReady = true
        let waiting = readied
        readied = []
        for body in waiting { body() }
    }
}

extension WireFrame {
    /// The body as one value.
    var value: Value {
        get throws(FrameFault) {
            do { return try Value(validating: body) } catch { throw FrameFault("a body that is no value: \(error)") }
        }
    }
}
