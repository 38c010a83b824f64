internal import FlatValue
internal import JSONSchema
internal import WorkflowCore

/// What the answers of the constructs' own callbacks mean.
extension Worker {
    func chooseNext(_ run: Run, _ frame: Int32, _ serial: UInt32, output: Slice, _ value: Slice) {
        let current = run.machine.frames[Int(frame)].node
        let answer = run.log.value(value)
        if answer.isNull {
            run.decide(.completed(frame: frame, serial: serial, output: output, next: Fact.usualNext), at: now)
            return
        }
        let body = run.plan.bodies[Int(run.plan.nodes[Int(current)].body)]
        let target = answer.string.flatMap { id in body.members.first { run.plan.details[Int($0)].id == id } }
        if let target {
            run.decide(.completed(frame: frame, serial: serial, output: output, next: target), at: now)
        } else {
            let ids = body.members.map { run.plan.details[Int($0)].id }.joined(separator: ", ")
            let message = "`next` returned \(answer.shortText), which is no step of this sequence (it has: \(ids))"
            fail(run, frame, serial, ErrorObject(code: "unknown_next", message: message))
        }
    }

    func resolve(_ run: Run, _ frame: Int32, _ serial: UInt32, _ node: PlanNode, _ value: Slice) {
        let answer = run.log.value(value)
        let cases = Int(node.bodyCount) - (node.hasOtherwise ? 1 : 0)
        var choice: Int32?
        if answer.isNull {
            choice = node.hasOtherwise ? node.bodyCount - 1 : -1
        } else if node.isList {
            let index = answer.int ?? answer.double.flatMap { Int64(exactly: $0) }
            if let index, index >= 1, index <= cases { choice = Int32(index) - 1 }
        } else if let name = answer.string {
            let first = Int(node.firstBody)
            choice = (0..<cases).first { run.plan.bodies[first + $0].name == name }.map { Int32($0) }
        }
        if let choice {
            run.decide(.resolved(frame: frame, serial: serial, choice: choice), at: now)
            return
        }
        let known = (0..<cases).map { run.plan.bodies[Int(node.firstBody) + $0].name }
        var message =
            "`resolve` returned \(answer.shortText), which is no case of this branch (it has: \(known.joined(separator: ", ")))"
        if let near = answer.string.flatMap({ nearest(to: $0, in: known) }) { message += "; did you mean '\(near)'?" }
        fail(run, frame, serial, ErrorObject(code: "unknown_case", message: message))
    }

    func condition(_ run: Run, _ frame: Int32, _ serial: UInt32, _ node: PlanNode, _ value: Slice) {
        let answer = run.log.value(value)
        guard answer.isNull || answer.bool != nil else {
            let message = "`condition` returned \(answer.shortText); it has to return true or false"
            return fail(run, frame, serial, ErrorObject(code: "invalid_condition", message: message))
        }
        let state = run.machine.frames[Int(frame)]
        let current = state.opened == 0 ? state.input : state.value
        if answer.bool == true {
            if node.limit > 0, state.opened >= node.limit {
                let message = "the loop's condition still holds after max_iterations = \(node.limit)"
                return fail(run, frame, serial, ErrorObject(code: "max_iterations", message: message))
            }
            guard node.extra != 0 else {
                run.decide(.continues(frame: frame, serial: serial, input: current), at: now)
                return
            }
            return call(run, frame, serial, .prepare, node.extra, current)
        }
        guard node.conclude != 0 else {
            guard run.log.hasRoom(for: run.machine.resultSize(of: frame)) else { return outgrown(run, frame, serial) }
            run.decide(.ends(frame: frame, serial: serial), at: now)
            return
        }
        guard let results = results(run, frame, serial) else { return }
        call(run, frame, serial, .collect, node.conclude, results)
    }

    func list(_ run: Run, _ frame: Int32, _ serial: UInt32, _ value: Slice) {
        let answer = run.log.value(value)
        switch answer.tag {
        case .array: run.decide(.listed(frame: frame, serial: serial, items: value), at: now)
        case .emptyTable:
            let empty = run.log.arena.writing { arena in arena.end(arena.beginArray(), count: 0) }
            run.decide(.listed(frame: frame, serial: serial, items: empty), at: now)
        case .null, .true, .false, .int, .double, .string, .object:
            let message = "`items` returned \(answer.shortText); it has to return a list"
            fail(run, frame, serial, ErrorObject(code: "invalid_items", message: message))
        }
    }

    func askForm(_ run: Run, _ frame: Int32, _ serial: UInt32, output: Slice) {
        let node = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)]
        guard node.callback != 0 else { return asked(run, frame, serial, output: output, form: .none) }
        call(run, frame, serial, .form, node.callback, .none, held: output)
    }

    func asked(_ run: Run, _ frame: Int32, _ serial: UInt32, output: Slice, form: Slice) {
        let request = run.log.arena.writing { arena in
            let object = arena.beginObject()
            var count = 0
            for (key, value) in [("output", output), ("form", form)] where !value.isNone {
                arena.writeKey(key)
                arena.append(value)
                count += 1
            }
            arena.end(object, count: count)
        }
        run.decide(.asked(frame: frame, serial: serial, request: request), at: now)
    }

    func delay(_ run: Run, _ frame: Int32, _ serial: UInt32, _ value: Slice) {
        let answer = run.log.value(value)
        if let microseconds = DurationText.microseconds(answer) {
            run.decide(.delayed(frame: frame, serial: serial, duration: microseconds), at: now)
        } else {
            let message =
                "`duration` returned \(answer.shortText); it has to return seconds, or a text such as \"10s\" or \"2h\""
            fail(run, frame, serial, ErrorObject(code: "invalid_duration", message: message))
        }
    }

    /// The workflow's own output, after finalize: checked against its schema.
    func finish(_ run: Run, _ frame: Int32, _ serial: UInt32, _ value: Slice) {
        let node = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)]
        guard let output = checked(node.outputSchema, value, run, frame, serial, within: limits.callback) else {
            return
        }
        run.decide(.completed(frame: frame, serial: serial, output: output, next: Fact.usualNext), at: now)
    }

    // MARK: Schemas

    enum Checked {
        case valid(Slice)
        case invalid(String, Value)
        /// A function of the schema was stopped: the run is cancelled, or its time is over.
        case stopped
    }

    func validate(_ schema: Int32, _ value: Slice, _ run: Run, within limits: CallLimits) -> Checked {
        guard schema >= 0 else { return .valid(value) }
        let isSecret = run.plan.secretSchemas.contains(schema)
        let schema = run.plan.schemas[Int(schema)]
        run.executor.beginChecking(within: limits)
        let outcome = schema.validate(value, in: &run.log.arena, functions: run.executor.schemaFunctions)
        switch run.executor.endChecking() {
        case .none: break
        case .some: readTime()
        case .stopped:
            readTime()
            return .stopped
        }
        switch outcome {
        case .unchanged: return .valid(value)
        case .rewritten(let rewritten): return .valid(rewritten)
        case .invalid(let issues):
            // What is refused is recorded nowhere, so nobody could learn of it that it is secret.
            var redaction = Redaction()
            if isSecret { redaction.learn(run.log.copy(value), schema) }
            return .invalid(
                redaction.redact(SchemaIssue.summary(issues)),
                redaction.redact(["issues": Value(array: issues.map(\.value))] as Value))
        case .stopped: return .stopped
        }
    }

    /// The input of a step as its schema leaves it; nil when it failed.
    func settle(_ schema: Int32, _ input: Slice, _ run: Run, _ command: Command, within limits: CallLimits) -> Slice? {
        if schema < 0 { return input }
        switch validate(schema, input, run, within: limits) {
        case .valid(let settled):
            if settled != input {
                run.decide(.inputSettled(frame: command.frame, serial: command.serial, input: settled), at: now)
            }
            return settled
        case .invalid(let summary, let details):
            let error = ErrorObject(
                code: "invalid_input", message: "invalid input: " + summary + originOfNothing(run, command.frame),
                details: details)
            fail(run, command.frame, command.serial, error)
        case .stopped: checkStopped(run, command.frame, command.serial, limits, "the input")
        }
        return nil
    }

    func checked(
        _ schema: Int32, _ value: Slice, _ run: Run, _ frame: Int32, _ serial: UInt32, within limits: CallLimits
    ) -> Slice? {
        if schema < 0 { return value }
        switch validate(schema, value, run, within: limits) {
        case .valid(let output): return output
        case .invalid(let summary, let details):
            let error = ErrorObject(
                code: "invalid_output", message: "invalid output: " + summary + endOfHandler(run, frame, value),
                details: details)
            fail(run, frame, serial, error)
        case .stopped: checkStopped(run, frame, serial, limits, "the output")
        }
        return nil
    }

    /// A function of a step's schema was stopped.
    private func checkStopped(_ run: Run, _ frame: Int32, _ serial: UInt32, _ limits: CallLimits, _ what: String) {
        let isStep = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)].kind == .step
        let isStopped = run.isCancelAsked || closing != nil
        if isStep || isStopped || run.machine.frames[Int(frame)].phase == .stopping {
            interrupted(run, frame, serial, .handler, .none, limits)
        } else {
            fail(run, frame, serial, checkTimeout(what))
        }
    }
}
