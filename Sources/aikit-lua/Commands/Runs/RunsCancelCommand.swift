internal import ArgumentParser
internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

struct RunsCancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel a run, wherever it stands.",
        discussion: """
            A run that another process drives is stopped there, and this command waits until its code has stopped. A run
            that is over stays as it is, which is an error. The steps of a run that nobody drives are undone here, where they
            say how, with what the run may do by its journal.

            EXAMPLES
              aikit-lua runs cancel order-7
              aikit-lua runs cancel order-7 --reason 'ordered twice'
            """)

    @OptionGroup var target: RunChoice
    @OptionGroup var store: StoreChoice

    @Option(help: ArgumentHelp("Why; it stands in the run's last event.", valueName: "text"))
    var reason: String = RunsCancelCommand.usualReason

    private static let usualReason = "cancelled"

    @Option(
        help: ArgumentHelp(
            "Read secrets from a file with NAME=value lines or JSON that only you may read.", valueName: "file"),
        completion: .file())
    var secrets: String?

    func run() throws {
        let (id, reason) = (target.run, reason)
        let secrets = try SecretSettings(file: secrets).open()
        let (run, error) = try store.withRuns { runs in
            try await runs.cancel(try await runs.find(id), reason: reason, secrets: secrets)
        }
        let style = Style(.errors)
        TextStream.errors.writeLine(
            style("■", .yellow) + " run \(run) was cancelled" + (reason == Self.usualReason ? "" : ": \(reason)"))
        for line in CompensationText(error: error)?.lines ?? [] {
            TextStream.errors.writeLine("  " + line.heading + line.text)
        }
    }
}

extension StoredRuns {
    /// Cancels a run here if nobody drives it, else asks whoever does.
    ///
    /// - Returns: the run that was cancelled, which may be one that goes on in its place, and its error, which says why it was
    ///   cancelled and what was undone.
    func cancel(_ header: RunHeader, reason: String, secrets: Secrets) async throws -> (run: String, error: Value?) {
        let engine = WorkflowEngine(
            workers: 1, host: GrantedEffects(usual: Permissions(), secrets: secrets), journal: journal)
        defer { engine.shutdown() }
        let scripts = StoredScripts(journal, on: engine, options: Self.quietOptions)
        do {
            let directory = try RunDirectory(engine, catalog: ScriptCatalog(scripts: scripts))
            let cancelled = try await directory.cancel(header.id, reason: reason)
            return (cancelled.id, cancelled.result().error)
        } catch let failure as RunFailure where failure.code == "missing" {
            throw UsageError("run \(header.id) has been removed from \(path)")
        } catch let failure as RunFailure where failure.code == "over" && header.status.isTerminal {
            throw UsageError("run \(header.id) is over (\(header.status.rawValue)); it cannot be cancelled")
        }
    }
}
