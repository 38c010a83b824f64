internal import ArgumentParser
internal import LuaWorkflows
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
        let engine = WorkflowEngine(workers: 1, host: NoHostEffects(), journal: journal)
        defer { engine.shutdown() }
        let scripts = StoredScripts(journal, on: engine, options: Self.quietOptions)
        do {
            _ = try await RunDirectory(engine, catalog: StoredCatalog(scripts)).cancel(header.id, reason: reason)
        } catch let failure as RunFailure where failure.code == "missing" {
            throw UsageError("run \(header.id) has been removed from \(path)")
        } catch let failure as RunFailure where failure.code == "over" && header.status.isTerminal {
            throw UsageError("run \(header.id) is over (\(header.status.rawValue)); it cannot be cancelled")
        }
    }
}

/// The workflows of the runs of a store, in the generations that they began with. No new runs are made of them.
private struct StoredCatalog: WorkflowCatalog {
    private let scripts: StoredScripts

    init(_ scripts: StoredScripts) { self.scripts = scripts }

    func workflows() async -> [Workflow] { [] }

    func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow {
        try await scripts.workflow(id, generation: generation, of: run)
    }
}
