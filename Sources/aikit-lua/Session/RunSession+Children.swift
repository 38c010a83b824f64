internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// What a session does where its run waits for other runs, and those for a person or a signal.
extension RunSession {
    /// Asks on the terminal what such a run asks, or ends as where the session's own run asked it; a status ends the program.
    func meetStandstill() -> ExitStatus? {
        let runs = standstill
        standstill = []
        guard !runs.isEmpty, settled == nil, leaving == nil, !isCancelled else { return nil }
        if canAsk, let asking = runs.first(where: { $0.record.result().pendingHuman != nil }) {
            return ask(asking.record.result(), of: asking) { self.leaveStandstill(runs) }
        }
        let patience = isStored ? Self.nearWake : StayRequest.usualWait
        let now = SystemClock().now()
        let goesOn = runs.contains { run in
            (!isStored || run.record.status != .waitingHuman)
                && run.wakeAt != 0 && run.wakeAt.clamped(subtracting: now) <= patience
        }
        return goesOn ? nil : leaveStandstill(runs)
    }

    /// Leaves the runs to whoever answers.
    private func leaveStandstill(_ runs: [StandingRun]) -> ExitStatus? {
        if isStored {
            leave(.awaits(runs))
            driver.letGo(within: .zero)
            return nil
        }
        display.suspend()
        tell(text(of: runs))
        return complete(.waiting)
    }

    /// For which runs the session's own one waits, what they ask, and how all go on.
    func text(of runs: [StandingRun]) -> String {
        let workflow = handle?.plan.id ?? "the run"
        let waits = runs.map { run in
            let end = RunEndText(
                result: run.record.result(), redaction: run.record.redaction, plan: plan,
                handle: RunHandle(id: run.record.id, plan: run.record.plan), elapsed: 0, style: style)
            return style("◷", .yellow) + " \(workflow) waits for run \(run.record.id)\n" + end.text
        }
        guard isStored, let handle else { return waits.joined() }
        let command = "aikit-lua runs recover \(shellQuoted(handle.id))\(plan.store.arguments)\(handle.permissions)"
        return waits.joined() + "  After that \(workflow) goes on with:\n  \(command)\n"
    }
}
