internal import ArgumentParser
internal import FlatValue
internal import JSONSchema
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

struct RunsPruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove runs that are over, and the code and values that only they needed.",
        discussion: """
            Runs that are not over are never removed. Without --older-than every run that is over goes, but for those that
            --keep spares. The space that becomes free goes back to the file system; --vacuum writes the store anew besides,
            which needs room for a second one meanwhile. With --damaged the runs go that runs check names, and no others. With
            --otlp spans are sent first that a process which died had not sent. With --json the report is { runs, events,
            generations, contents, freed, dryRun }, with freed in bytes.

            EXAMPLES
              aikit-lua runs prune --older-than 30d
              aikit-lua runs prune --status success --keep 100
              aikit-lua runs prune --older-than 7d --workflow order --dry-run
              aikit-lua runs prune --older-than 30d --vacuum
            """)

    @OptionGroup var store: StoreChoice

    @Option(help: ArgumentHelp("Only runs that ended longer ago than this, such as 30d.", valueName: "duration"))
    var olderThan: String?

    @Option(help: ArgumentHelp("Only runs of these statuses: success, failed, cancelled.", valueName: "status,…"))
    var status: [String] = []

    @Option(help: ArgumentHelp("Only runs of this workflow.", valueName: "id"))
    var workflow: String?

    @Option(help: ArgumentHelp("Spare this many of the newest runs that would go.", valueName: "n"))
    var keep: Int?

    @Flag(help: "Remove the runs that are damaged, also those that are not over.")
    var damaged = false

    @Flag(help: "Write the store anew, so that it takes no more space than it needs.")
    var vacuum = false

    @Flag(help: "Say what would go, and remove nothing.")
    var dryRun = false

    @Flag(help: "Print the report as JSON.")
    var json = false

    @OptionGroup var telemetry: TelemetryOptions

    func run() throws {
        let filter = try filter(now: SystemClock().now())
        let (damaged, dryRun, vacuum) = (damaged, dryRun, vacuum)
        let traces = dryRun ? nil : try ExportSettings.read(otlp: telemetry.otlp)
        let report = try store.withRuns(usesReserve: true) { runs in
            if let traces { await runs.sendUnsent(traces) }
            guard damaged else { return try await runs.journal.prune(filter) }
            return try await runs.removeDamaged(dryRun: dryRun, vacuum: vacuum)
        }
        tell(report)
    }

    func validate() throws {
        guard damaged, olderThan != nil || !status.isEmpty || workflow != nil || keep != nil else { return }
        throw ValidationError(
            "--damaged takes every run that is damaged; it goes with --vacuum, --dry-run and --json only")
    }

    private func filter(now: Int64) throws(UsageError) -> PruneFilter {
        var filter = PruneFilter(workflow: workflow, dryRun: dryRun, vacuum: vacuum)
        if let olderThan {
            guard let age = DurationText.microseconds(olderThan) else {
                throw UsageError("--older-than takes a duration such as 12h or 30d, got '\(olderThan)'")
            }
            filter.endedBefore = now - age
        }
        if let keep {
            guard keep >= 0 else { throw UsageError("--keep takes how many runs to spare, got \(keep)") }
            filter.keep = keep
        }
        if let statuses = try RunMachine.Status.read(status) {
            if let living = statuses.first(where: { !$0.isTerminal }) {
                throw UsageError("--status: a run that is \(living.rawValue) is not over, so it is never removed")
            }
            filter.statuses = statuses
        }
        return filter
    }

    private func tell(_ report: PruneReport) {
        if json {
            let value: Value = [
                "runs": Value(Int64(report.runs)), "events": Value(Int64(report.events)),
                "generations": Value(Int64(report.generations)), "contents": Value(Int64(report.contents)),
                "freed": Value(Int64(report.freed)), "dryRun": Value(dryRun),
            ]
            return TextStream.output.writeLine(value.prettyJSON)
        }
        let parts = [
            counted(report.runs, "run"), counted(report.events, "event"), counted(report.generations, "generation"),
        ]
        let freed = report.freed > 0 ? "; the store is \(report.freed / 1024) KiB smaller" : ""
        TextStream.errors.writeLine((dryRun ? "would remove " : "removed ") + parts.joined(separator: ", ") + freed)
    }
}

extension StoredRuns {
    /// Sends the spans that processes which died have not sent: nobody can make them once their runs are removed.
    fileprivate func sendUnsent(_ settings: ExportSettings) async {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let export = TraceExport(settings, store: journal, leaves: false) { TextStream.errors.writeLine($0) }
        let scripts = StoredScripts(journal, on: engine, options: Self.quietOptions)
        await export.sendUnsent(ScriptCatalog(scripts: scripts))
        await export.finish(within: TraceExport.patience)
    }
}
