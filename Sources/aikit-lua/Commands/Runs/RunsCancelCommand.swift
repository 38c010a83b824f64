internal import ArgumentParser
internal import SQLiteJournal
internal import WorkflowCore
internal import WorkflowEngine

struct RunsCancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel a run, wherever it stands.",
        discussion: """
            A run that another process drives is stopped there, and this command waits until its code has stopped. A run
            that is over stays as it is, which is an error.

            EXAMPLES
              aikit-lua runs cancel order-7
              aikit-lua runs cancel order-7 --reason 'ordered twice'
            """)

    @OptionGroup var target: RunChoice
    @OptionGroup var store: StoreChoice

    @Option(help: ArgumentHelp("Why; it stands in the run's last event.", valueName: "text"))
    var reason = "cancelled"

    func run() throws {
        let (id, reason) = (target.run, reason)
        let header = try store.withRuns { runs in
            let header = try await runs.find(id)
            try await runs.cancel(header, reason: reason)
            return header
        }
        let style = Style(.errors)
        TextStream.errors.writeLine(style("■", .yellow) + " run \(header.id) was cancelled: \(reason)")
    }
}

extension StoredRuns {
    /// Cancels a run here if nobody drives it, else asks whoever does.
    func cancel(_ header: RunHeader, reason: String) async throws {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        while true {
            switch try await journal.claim(header.id) {
            case .missing: throw UsageError("run \(header.id) has been removed from \(path)")
            case .over(let header):
                throw UsageError("run \(header.id) is over (\(header.status.rawValue)); it cannot be cancelled")
            case .claimed(let journaled, let stored, _):
                do {
                    let run = try ParkedRun(journaled, stored, plan: try await workflow(of: header, on: engine).plan)
                    try run.cancel(reason: reason, at: SystemClock().now())
                    return try await run.write(to: journal)
                } catch {
                    try? await journal.release([journaled])
                    throw error
                }
            case .owned(let header):
                let plan = try await workflow(of: header, on: engine).plan
                let run = ForeignRun(header, plan: plan, store: journal)
                if case .taken = try await run.cancel(reason: reason), try await hasStopped(run) { return }
            }
        }
    }

    /// Waits until a run that its owner is to cancel has stopped; false if the owner went away before that.
    private func hasStopped(_ run: ForeignRun) async throws -> Bool {
        while let record = try await run.settled() {
            if record.status == .cancelled { return true }
            if record.status.isTerminal {
                throw UsageError("run \(run.id) was over (\(record.statusName)) before it could be cancelled")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }
}
