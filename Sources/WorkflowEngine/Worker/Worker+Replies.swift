package import FlatValue
package import WorkflowCore

/// Answers of people, found by the path of the step that waits.
extension RunMachine {
    /// The frame of a human step that waits, by its path, by its id where only one step of that id waits, or the only one.
    package func waitingFrame(run: String, at path: String?) throws(RunFailure) -> Int32 {
        let waiting = waitingForPeople
        let paths = waiting.map(\.path)
        guard !waiting.isEmpty else {
            throw RunFailure(code: RunFailure.Code.notWaiting, message: "run \(run) waits for nobody")
        }
        let details: Value = ["waiting": Value(array: paths.map { Value($0) })]
        guard let path else {
            if waiting.count == 1 { return waiting[0].frame }
            throw RunFailure(
                code: RunFailure.Code.ambiguousStep,
                message: "\(waiting.count) steps wait; name one of them: \(paths.joined(separator: ", "))",
                details: details)
        }
        if let found = waiting.first(where: { $0.path == path }) { return found.frame }
        let byID = waiting.filter { plan.details[Int(frames[Int($0.frame)].node)].id == path }
        if byID.count == 1 { return byID[0].frame }
        throw RunFailure(
            code: RunFailure.Code.notWaiting,
            message: "step '\(path)' does not wait for an answer; waiting: \(paths.joined(separator: ", "))",
            details: details)
    }
}

extension Worker {
    /// The frame of a human step that waits.
    package func waitingFrame(of run: Run, at path: String?) throws -> Int32 {
        if run.machine.isOver { throw RunFailure.over(run) }
        return try run.machine.waitingFrame(run: run.id, at: path)
    }

    /// Checks an answer against the step's schema and tells the machine.
    ///
    /// - Parameter name: who answers, where it is known.
    package func reply(
        _ run: Run, _ frame: Int32, _ data: Value, by name: String? = nil, key: RequestKey? = nil
    ) throws {
        let before = enter(run)
        defer { leave(run, before) }
        // A cancel that was asked for meanwhile has been recorded by now.
        if run.machine.isOver { throw RunFailure.over(run) }
        if let closing = run.machine.closing { throw RunFailure.ending(run, closing) }
        try requireRoom(run, for: data)
        let mark = run.log.arena.count
        let response = run.log.arena.writing { $0.write(data) }
        let state = run.machine.frames[Int(frame)]
        switch validate(run.plan.nodes[Int(state.node)].outputSchema, response, run, within: limits.callback) {
        case .valid(let settled):
            let by = signature(of: name, key, run)
            guard run.decide(.replied(frame: frame, serial: state.serial, response: settled, by: by), at: now) else {
                throw RunFailure(
                    code: RunFailure.Code.notWaiting,
                    message: "step '\(run.machine.path(of: frame))' does not wait any more")
            }
        case .invalid(let summary, let details):
            run.log.arena.count = mark
            throw RunFailure(
                code: RunFailure.Code.invalidResponse,
                message: "the answer to '\(run.machine.path(of: frame))' does not fit its schema: \(summary)",
                details: details)
        case .stopped:
            run.log.arena.count = mark
            throw stopped(run, "the answer to '\(run.machine.path(of: frame))'")
        }
    }

    /// Answers the step that waits at a path, unless the run has taken this answer before.
    package func reply(_ run: Run, at path: String?, _ data: Value, by name: String?, key: RequestKey?) throws {
        if try key?.isRecorded(in: run.log) == true { return }
        try reply(run, waitingFrame(of: run, at: path), data, by: name, key: key)
    }

    /// Who answers: their name, or `{ by?, key }` where the answer has a key.
    private func signature(of name: String?, _ key: RequestKey?, _ run: Run) -> Slice {
        guard let key else { return name.map { name in run.log.arena.writing { $0.write(name) } } ?? .none }
        let entries = (name.map { [("by", Value($0))] } ?? []) + [("key", Value(key.text))]
        return run.log.arena.writing { $0.write(Value(entries: entries)) }
    }

    /// Why a value from outside was not checked to the end.
    func stopped(_ run: Run, _ what: String) -> RunFailure {
        if run.isCancelAsked {
            return RunFailure(code: RunFailure.Code.over, message: "run \(run.id) is cancelled: \(run.cancelReason)")
        }
        if let closing { return RunFailure(code: closing.code, message: closing.message) }
        let error = checkTimeout(what)
        return RunFailure(code: error.code, message: error.message)
    }

    /// Refuses a value from outside for which the run has no room.
    func requireRoom(_ run: Run, for value: Value) throws {
        let size = value.byteCount
        let copies = size.multipliedReportingOverflow(by: 2).partialValue
        if run.log.hasRoom(for: copies) { return }
        if run.log.mayTake(copies) {
            throw RunFailure(
                code: JournalError.Code.notEnoughMemory.rawValue,
                message: "this process has not enough memory for \((size >> 20) + 1) MiB more now (ulimit -v, -d)")
        }
        let error = ErrorObject.runTooLarge(run.log.limit)
        throw RunFailure(code: error.code, message: error.message)
    }
}

extension ErrorObject {
    /// The code of a function that was stopped with its run or its engine.
    static let stopped = "cancelled"

    static func runTooLarge(_ limit: Int) -> ErrorObject {
        let mebibytes = limit >> 20
        let size = mebibytes >= 1024 && mebibytes % 1024 == 0 ? "\(mebibytes / 1024) GiB" : "\(mebibytes) MiB"
        return ErrorObject(
            code: "run_too_large",
            message:
                "the run has recorded as much as it may: more than the limit of \(size); keep large data in files or a "
                + "database, or do the work in several runs",
            retryable: false)
    }
}
