internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// A host request of a VM process that is under way, or of which something stays open.
struct HostedCall {
    var run: String
    var operation: (any HostOperation)?
}

/// Host requests: what a run may do is read in the host's own tables.
extension VMSupervisor {
    func request(_ frame: Frame, from child: VMChild) throws(FrameFault) {
        let header = frame.header
        guard let call = header["call"]?.int, calls[call] == nil, let name = header["operation"]?.string,
            let run = runs[header["run"]?.string ?? ""], let path = header["path"]?.string
        else { throw FrameFault("a request of a run that is not its own") }
        let payload = try frame.value
        func number(_ key: String) -> Int { max(1, Int(clamping: header[key]?.int ?? 1)) }
        guard let limits = run.paths.limits(at: path) else {
            throw FrameFault("a request of '\(path.prefix(200))', which workflow '\(run.workflow.id)' does not have")
        }
        var caller = HostCaller(
            workflow: run.workflow.id, run: run.id, path: path, grant: run.journaled.allowance)
        caller.limits = limits
        caller.attempt = number("attempt")
        caller.occurrence = number("occurrence")
        caller.part = header["part"]?.string ?? ""
        caller.traceparent = run.traceparent
        caller.stream = { data in
            child.send(Frame(.stream, ["call": Value(call)], body: data.withBytes { Array($0) }))
        }
        calls[call] = HostedCall(run: run.id)
        // The answer may come before the operation is known here, from any thread.
        let operation = host.begin(HostRequest(token: 0, operation: name, payload: payload), for: caller) {
            [weak self] answer in
            self?.perform { $0.answer(call, answer, to: child) }
        }
        if calls[call] != nil { calls[call]?.operation = operation } else { operation?.cancel() }
    }

    private func answer(_ call: Int64, _ answer: HostAnswer, to child: VMChild) {
        guard child === self.child, let known = calls[call] else { return }
        let isOpen = known.operation?.outlivesAnswer == true
        if !isOpen { calls[call] = nil }
        var entries = [("call", Value(call)), ("ok", Value(answer.ok)), ("open", Value(isOpen))]
        if let usage = answer.usage { entries.append(("usage", usage)) }
        child.send(Frame(.answer, Value(entries: entries), body: answer.value.withBytes { Array($0) }))
    }
}
