internal import WorkflowCore
internal import WorkflowEngine

/// Journal batches and messages.
extension VMSupervisor {
    /// Checks a batch, hands it to the store, and tells the process what became of it.
    func record(_ frame: Frame, from child: VMChild) throws(FrameFault) {
        let wire = try WireBatch(frame)
        let batch = JournalBatch()
        var entries: [(run: HostedRun, count: Int, isStored: Bool)] = []
        var settled: [(entry: Int, message: Int64)] = []
        var settlements = wire.settlements[...]
        var fault: FrameFault?
        frame.body.withUnsafeBytes { body in
            do throws(FrameFault) {
                for (index, entry) in wire.entries.enumerated() {
                    guard let run = runs[entry.run] else { throw FrameFault("an entry of a run that is not its own") }
                    // What the run came to here, the process may not know yet.
                    let isStored = run.failure == nil
                    if isStored { try run.take(entry, body, into: batch) }
                    entries.append((run, run.count, isStored))
                    while let settlement = settlements.first, settlement.entry == index {
                        settlements.removeFirst()
                        guard run.awaits(settlement.message) else { continue }
                        if settlement.message > 0 { batch.settle(settlement.message) }
                        settled.append((index, settlement.message))
                    }
                }
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
        for (message, answer) in wire.answers {
            guard let run = runs.values.first(where: { $0.awaits(message) }) else { continue }
            if message > 0 { batch.answer(message, with: answer) }
            run.answered(message, answer)
        }
        let written = Written(number: wire.number, entries: entries, settled: settled)
        store.submit(batch) { [weak self] batch, outcomes in
            let rivals = batch.entries.map(\.run.rival)
            self?.perform { $0.recorded(written, outcomes, rivals, from: child) }
        }
    }

    /// The store has decided on a batch.
    private func recorded(_ written: Written, _ outcomes: [JournalOutcome], _ rivals: [String?], from child: VMChild) {
        var answer = WireOutcomes(number: written.number, outcomes: [])
        var next = 0
        for (index, entry) in written.entries.enumerated() {
            guard entry.isStored, next < outcomes.count else {
                answer.outcomes.append(.conflict)
                continue
            }
            let outcome = outcomes[next]
            answer.outcomes.append(outcome)
            answer.rivals[index] = rivals[next]
            next += 1
            if case .durable = outcome {
                for message in written.settled where message.entry == index {
                    entry.run.answered(message.message, .taken)
                }
            }
            entry.run.recorded(outcome, upTo: entry.count, in: self)
        }
        if self.child === child { child.send(Frame(.outcomes, answer.header)) }
    }

    /// Passes a message of the store on to the process that drives its run.
    func forward(_ message: InboxMessage) {
        guard let run = runs[message.run], !run.isGone else { return }
        if message.content.kind == .begin { engine.endTending(message.run) }
        run.send(message, to: child)
        if message.content.kind == .cancel { watch(message.number, of: run.id) }
    }

    /// Gives a run a message of this process; `answered` is called once.
    func post(_ content: InboxMessage.Content, to run: HostedRun, answered: @escaping (InboxAnswer) -> Void) {
        lastMessage -= 1
        let message = InboxMessage(
            number: lastMessage, run: run.id, content: content, postedAt: SystemClock().now())
        run.send(message, to: child, answered: answered)
        if content.kind == .cancel { watch(message.number, of: run.id) }
    }

    /// Ends a process that does not stop a run within two seconds; its runs go on in another one, which has the message too.
    private func watch(_ message: Int64, of run: String) {
        let asked = child
        Task.detached { [weak self] in
            try? await Task.sleep(for: .seconds(2))
            self?.perform { supervisor in
                guard let run = supervisor.runs[run], run.awaits(message), supervisor.child === asked else { return }
                asked?.kill(because: "it did not stop a run within 2 s")
            }
        }
    }
}

/// A batch that the store has; only the supervisor's thread touches what is in it.
private struct Written: @unchecked Sendable {
    let number: Int64
    /// How many events each run has with its entry, and whether the store was given it.
    let entries: [(run: HostedRun, count: Int, isStored: Bool)]
    /// The messages that entries answer.
    let settled: [(entry: Int, message: Int64)]
}
