internal import WorkflowCore

/// Carrying out the commands of a run.
extension Worker {
    /// Carries a run as far as it goes: until it waits for the host, for the journal, for a timer or for somebody.
    func drive(_ run: Run, budget: Int = Worker.turnBudget) {
        guard !run.isLost else { return }
        let before = enter(run)
        var budget = budget
        if journal == nil {
            while budget > 0, !run.isHeld, let command = run.takeCommand() {
                carryOut(command, of: run)
                budget -= 1
                if isPartOver { budget = 0 }
            }
        } else {
            // Commands wait until the events that they follow from are durable. Those that are open now may all begin.
            while budget > 0, run.isDurable, run.hasCommands, !run.isHeld {
                for _ in 0..<run.commandCount {
                    guard run.hasRoomToSubmit, let command = run.takeCommand() else { break }
                    carryOut(command, of: run)
                    budget -= 1
                }
                if isPartOver { budget = 0 }
            }
        }
        leave(run, before)
        submit(run)
        if run.isDurable || journal == nil { advanced(run) }
        if run.isHeld { quieten(run) }
        if run.hasCommands {
            if budget <= 0 { enqueue(run) }
        } else if !run.isHeld, !run.machine.isOver {
            parkIfIdle(run)
        }
    }

    /// How far away the end of a wait has to be for a run to be worth parking, in microseconds.
    static let parkingTime: Int64 = 1_000_000

    /// Parks a run that is durable and waits for long: for a person, a signal, or a time that is far away.
    private func parkIfIdle(_ run: Run) {
        guard run.isDurable || journal == nil else { return }
        if run.calls.isEmpty {
            let status = run.machine.status
            guard status == .waiting || status == .waitingHuman || status == .queued else { return }
            let deadline = run.machine.earliestDeadline
            guard deadline == 0 || deadline > now + Self.parkingTime else { return }
        } else if !run.waitsLong {
            return
        }
        run.park()
    }
}
