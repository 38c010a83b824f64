internal import FlatValue
internal import LuaWorkflows
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// The commands that run something of the script.
extension ReplSession {
    func runWorkflow(_ input: String?) {
        guard let script = script, let input = read(input) else { return }
        do throws(UsageError) {
            follow(try choose(plan.workflow, in: script.workflows), input)
        } catch {
            fail(error.problem)
        }
    }

    func runStep(_ id: String, _ input: String?) {
        guard let script = script, let input = read(input) else { return }
        do throws(UsageError) {
            let workflow = try choose(plan.workflow, in: script.workflows)
            do throws(UnknownStep) {
                follow(try script.workflow(ofStep: id, in: workflow), input)
            } catch {
                let hint =
                    nearest(to: id, in: error.steps).map { "; did you mean '\($0)'?" }
                    ?? "; it has: \(error.steps.joined(separator: ", "))"
                throw UsageError("the workflow has no step '\(id)'\(hint)")
            }
        } catch {
            fail(error.problem)
        }
    }

    private var script: LuaScript? {
        guard let live else {
            fail(Problem(Self.noScript))
            return nil
        }
        guard let generation = live.generation else {
            fail(Problem("the script has not been loaded; mend it, then :reload"))
            return nil
        }
        return generation.script
    }

    private func read(_ input: String?) -> Value? {
        guard let input else { return plan.input }
        do throws(UsageError) {
            return try JSONArgument.read(input, option: "the input")
        } catch {
            fail(error.problem)
            return nil
        }
    }

    /// Runs a workflow to its end, or until it waits for somebody who is not here.
    private func follow(_ workflow: Workflow, _ input: Value) {
        let mailbox = mailbox
        let start = monotonicNanoseconds()
        let run = DevRun(
            engine.createRun(workflow), input: input, generation: live?.generation?.number ?? 1,
            origin: .start(reason: nil)
        ) {
            mailbox.post(.run($0))
        }
        runMessages = []
        display.begin(run.handle)
        run.start(metadata: plan.metadata, ctx: plan.ctx)
        while let record = settle(run) {
            let result = record.result()
            if result.status == .waitingHuman, console.isInteractive, !isInterrupted {
                if ask(result, of: run) { continue }
            }
            display.suspend()
            if result.status == .success { TextStream.output.writeLine((result.result ?? .null).prettyJSON) }
            let elapsed = Int64((monotonicNanoseconds() - start) / 1000)
            TextStream.errors.write(
                RunEndText(
                    result: result, redaction: record.redaction, plan: plan, handle: run.handle, elapsed: elapsed,
                    style: style, goesOn: true
                ).text)
            run.cancel(reason: "the REPL went on")
            return
        }
    }

    /// Waits until the run stands still; nil if there is nothing to be told of it.
    private func settle(_ run: DevRun) -> RunRecord? {
        defer { returnKeys() }
        while true {
            if isAskedToStop(until: display.nextDraw) { run.cancel(reason: "interrupted") }
            defer { runMessages = [] }
            for message in runMessages {
                switch message {
                case .progress(let events): display.take(events)
                case .settled(let record): return record
                case .failed(let error):
                    display.suspend()
                    problems(of: error).forEach(fail)
                    return nil
                case .refused(let refusal): fail(Problem(refusal.message))
                case .past, .lines, .log, .text, .doubts, .takingUp, .started, .resting, .lacking, .standstill,
                    .answered, .released, .timedOut, .interrupted, .stillStopping:
                    break
                }
            }
            if let next = display.nextDraw, next <= monotonicNanoseconds() { display.draw() }
        }
    }

    /// Asks the form of a step that waits for a person; false when nobody answers.
    private func ask(_ result: RunResult, of run: DevRun) -> Bool {
        guard let pending = result.pendingHuman else { return false }
        display.suspend()
        TerminalMode.restore()
        defer { console.begin(signals: false) }
        let keyboard = Keyboard(mailbox: mailbox) { [unowned self] in
            hear()
            if isInterrupted || !runMessages.isEmpty { throw NoAnswer.overtaken }
        }
        do {
            let answer = try FormDialogue(keyboard: keyboard).answer(
                step: pending.path, output: pending.output, form: pending.form,
                schema: pending.responseSchema(in: result, of: run.handle.plan), refusal: nil)
            display.begin(run.handle, again: true)
            run.answer(pending.path, with: answer)
            return true
        } catch {
            TextStream.errors.write("\n")
            return false
        }
    }
}
