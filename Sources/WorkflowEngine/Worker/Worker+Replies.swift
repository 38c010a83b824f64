internal import WorkflowCore

/// Answers of people, found by the path of the step that waits.
extension Worker {
    /// The frame of a human step that waits.
    func waitingFrame(of run: Run, at path: String?) throws -> Int32 {
        let machine = run.machine
        if machine.isOver {
            throw RunFailure(
                code: "over", message: "run \(run.id) is over (\(machine.status.rawValue)); it waits for nobody")
        }
        let waiting = machine.frames.indices.filter { index in
            machine.frames[index].phase == .waiting && run.plan.nodes[Int(machine.frames[index].node)].kind == .human
        }.map { Int32($0) }
        let paths = waiting.map { machine.path(of: $0) }
        guard !waiting.isEmpty else { throw RunFailure(code: "not_waiting", message: "run \(run.id) waits for nobody") }
        guard let path else {
            if waiting.count == 1 { return waiting[0] }
            throw RunFailure(
                code: "ambiguous_step",
                message: "several steps wait; name one with --step: \(paths.joined(separator: ", "))")
        }
        if let index = paths.firstIndex(of: path) { return waiting[index] }
        let byID = waiting.filter { run.plan.details[Int(machine.frames[Int($0)].node)].id == path }
        if byID.count == 1 { return byID[0] }
        throw RunFailure(
            code: "not_waiting",
            message: "step '\(path)' does not wait for an answer; waiting: \(paths.joined(separator: ", "))")
    }

    /// Checks an answer against the step's schema and tells the machine.
    func reply(_ run: Run, _ frame: Int32, _ data: Value) throws {
        let mark = run.log.arena.count
        let response = run.log.arena.writing { $0.write(data) }
        let state = run.machine.frames[Int(frame)]
        switch validate(run.plan.nodes[Int(state.node)].outputSchema, response, run) {
        case .valid(let settled):
            guard run.decide(.replied(frame: frame, serial: state.serial, response: settled), at: now) else {
                throw RunFailure(
                    code: "not_waiting", message: "step '\(run.machine.path(of: frame))' does not wait any more")
            }
        case .invalid(let summary, let details):
            run.log.arena.count = mark
            throw RunFailure(
                code: "invalid_response",
                message: "the answer to '\(run.machine.path(of: frame))' does not fit its schema: \(summary)",
                details: details)
        }
    }
}
