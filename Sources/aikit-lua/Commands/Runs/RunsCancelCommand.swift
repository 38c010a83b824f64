internal import ArgumentParser
internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

struct RunsCancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel runs, wherever they stand.",
        discussion: """
            A run that another process drives is stopped there, and this command waits until its code has stopped. A run
            that is over stays as it is, which is an error. The steps of a run that nobody drives are undone here, where they
            say how, with what the run may do by its journal, and its spans are sent from here. Of several runs each is tried,
            also where another one cannot be cancelled.

            EXAMPLES
              aikit-lua runs cancel order-7
              aikit-lua runs cancel order-7 order-8 --reason 'ordered twice'
            """)

    @Argument(
        help: ArgumentHelp("The ids of runs, or the beginnings of them.", valueName: "run"),
        completion: .custom { _, _, prefix in StoredRuns.ids(from: prefix) })
    var runs: [String]

    @OptionGroup var store: StoreChoice

    @Option(help: ArgumentHelp("Why; it stands in the run's last event.", valueName: "text"))
    var reason: String = RunsCancelCommand.usualReason

    private static let usualReason = "cancelled"

    @Option(
        help: ArgumentHelp(
            "Read secrets from a file with NAME=value lines or JSON that only you may read.", valueName: "file"),
        completion: .file())
    var secrets: String?

    @OptionGroup var telemetry: TelemetryOptions

    func run() throws {
        let (ids, reason) = (runs, reason)
        let secrets = try SecretSettings(file: secrets).open()
        let settings = try ExportSettings.read(otlp: telemetry.otlp)
        let outcomes: [Result<(String, Value?), any Error>] = try store.withRuns { runs in
            let cancellation = RunsCancellation(runs, secrets: secrets, traces: settings)
            await cancellation.begin()
            var outcomes: [Result<(String, Value?), any Error>] = []
            for id in ids {
                do {
                    outcomes.append(.success(try await cancellation.cancel(try await runs.find(id), reason: reason)))
                } catch {
                    outcomes.append(.failure(error))
                }
            }
            await cancellation.end()
            return outcomes
        }
        // One that fails is told by the command's own end, as the only thing that there is to tell.
        if outcomes.count == 1 { _ = try outcomes[0].get() }
        for outcome in outcomes {
            switch outcome {
            case .success((let run, let error)): tell(run, error)
            case .failure(let error): problems(of: error).forEach { TextStream.errors.show($0) }
            }
        }
        if outcomes.contains(where: { if case .failure = $0 { true } else { false } }) { throw ExitStatus.usage.code }
    }

    private func tell(_ run: String, _ error: Value?) {
        let style = Style(.errors)
        // Somebody may have cancelled it before, with another reason.
        let reason = error?["reason"]?.string ?? reason
        TextStream.errors.writeLine(
            style("■", .yellow) + " run \(run) was cancelled" + (reason == Self.usualReason ? "" : ": \(reason)"))
        for line in CompensationText(error: error)?.lines ?? [] {
            TextStream.errors.writeLine("  " + line.heading + line.text)
        }
    }
}

/// Cancels runs of a store: here where nobody drives them, else by whoever does.
private struct RunsCancellation {
    private let runs: StoredRuns
    private let engine: WorkflowEngine
    private let export: TraceExport?

    /// - Parameter traces: where the spans of runs are sent that end here; nil for nowhere.
    init(_ runs: StoredRuns, secrets: Secrets, traces: ExportSettings?) {
        self.runs = runs
        engine = WorkflowEngine(
            workers: 1, host: GrantedEffects(usual: Permissions(), secrets: secrets).traced(traces),
            journal: runs.journal)
        export = traces.map { TraceExport($0, store: runs.journal) { TextStream.errors.writeLine($0) } }
        export?.follow(engine)
    }

    /// To be called before the first run is cancelled.
    func begin() async { await export?.begin() }

    /// - Returns: the run that was cancelled, which may be one that goes on in its place, and its error, which says why it was
    ///   cancelled and what was undone.
    func cancel(_ header: RunHeader, reason: String) async throws -> (run: String, error: Value?) {
        let scripts = StoredScripts(runs.journal, on: engine, options: StoredRuns.quietOptions)
        do {
            let directory = try RunDirectory(engine, catalog: ScriptCatalog(scripts: scripts))
            let cancelled = try await directory.cancel(header.id, reason: reason)
            return (cancelled.id, cancelled.result().error)
        } catch let failure as RunFailure where failure.code == RunFailure.Code.missing {
            throw UsageError("run \(header.id) has been removed from \(runs.path)")
        } catch let failure as RunFailure where failure.code == RunFailure.Code.over {
            throw UsageError(failure.message)
        }
    }

    /// Sends what is left, and ends the engine; nothing is cancelled afterwards.
    func end() async {
        await export?.finish(engine, within: TraceExport.patience)
        engine.shutdown()
    }
}
