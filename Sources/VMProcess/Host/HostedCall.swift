internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// A host request of a VM process that is under way, or of which something stays open.
struct HostedCall {
    var run: String
    var operation: (any HostOperation)?
}

/// Host requests: what a run may do is read in the host's own tables.
extension VMStation {
    func request(_ frame: WireFrame, from process: HostedProcess) throws(FrameFault) {
        let header = frame.header
        let id = header["run"]?.string ?? ""
        guard let call = header["call"]?.int, process.calls[call] == nil, let name = header["operation"]?.string,
            let path = header["path"]?.string
        else { throw FrameFault("a request without its parts") }
        guard let hosted = process.runs[id] else {
            if process.dropped.contains(id) { return }
            throw FrameFault("a request of a run that is not its own")
        }
        let payload = try frame.value
        let child = process.child
        if let operation = HostedOperation(rawValue: name) {
            return try serve(operation, payload, path, of: hosted, call, in: process)
        }
        func number(_ key: String) -> Int { max(1, Int(clamping: header[key]?.int ?? 1)) }
        let workflow = hosted.run.plan.id
        guard let limits = hosted.paths.limits(at: path) else {
            throw FrameFault("a request of '\(path.prefix(200))', which workflow '\(workflow)' does not have")
        }
        var asked = HostCall(
            name, payload: payload, workflow: workflow, run: id, path: path, grant: hosted.run.allowance)
        asked.limits = limits
        asked.attempt = number("attempt")
        asked.occurrence = number("occurrence")
        asked.generation = hosted.run.definition.generation.id
        asked.timeLeft = header["left"]?.int.map { .microseconds(max(0, $0)) }
        asked.part = header["part"]?.string ?? ""
        asked.traceparent = hosted.run.traceparent
        asked.isTraceOff = hosted.run.isTraceOff
        asked.stream = { data in
            child.send(WireFrame(.stream, ["call": Value(call)], body: data.withBytes { Array($0) }))
        }
        process.calls[call] = HostedCall(run: id)
        // The answer may come before the operation is known here, from any thread.
        let operation = pool.options.host.begin(asked) { [weak self] answer in
            self?.perform { station in station.answer(call, answer, to: child) }
        }
        if process.calls[call] != nil { process.calls[call]?.operation = operation } else { operation?.cancel() }
    }

    /// Does what concerns other runs, as far as the run's journal bears it out.
    private func serve(
        _ operation: HostedOperation, _ payload: Value, _ path: String, of hosted: HostedRun, _ call: Int64,
        in process: HostedProcess
    ) throws(FrameFault) {
        guard let limits = hosted.paths.limits(at: operation == .depart ? "" : path) else {
            throw FrameFault("a request of '\(path.prefix(200))', which its workflow does not have")
        }
        let (child, run) = (process.child, hosted.id)
        process.calls[call] = HostedCall(run: run)
        let begun = worker.serveMirrored(
            operation, payload, of: hosted.run, grant: pool.options.host.narrowed(hosted.run.allowance, by: limits),
            started: hosted.started
        ) { [weak self] answer in
            self?.perform { station in
                if operation == .start, let id = answer.value["run"]?.string {
                    station.process(of: child)?.runs[run]?.started.insert(id)
                }
                station.answer(call, answer, to: child)
            }
        }
        if process.calls[call] != nil { process.calls[call]?.operation = begun } else { begun?.cancel() }
    }

    private func answer(_ call: Int64, _ answer: HostAnswer, to child: VMChild) {
        guard let process = process(of: child), let known = process.calls[call] else { return }
        let isOpen = known.operation?.outlivesAnswer == true
        if !isOpen { process.calls[call] = nil }
        var entries = [("call", Value(call)), ("ok", Value(answer.ok)), ("open", Value(isOpen))]
        if let usage = answer.usage { entries.append(("usage", usage)) }
        let frame = WireFrame(.answer, Value(entries: entries), body: answer.value.withBytes { Array($0) })
        process.child.send(frame, holding: answer.holding)
    }
}
