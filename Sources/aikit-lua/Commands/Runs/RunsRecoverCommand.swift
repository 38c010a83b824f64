internal import ArgumentParser
internal import HostEffects
internal import LuaWorkflows
internal import SQLiteJournal
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

struct RunsRecoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover",
        abstract: "Go on with unfinished runs whose process is gone, until they end or wait for somebody.",
        discussion: """
            Finished steps are not run again; a step that was under way begins again with the same idempotency key. Runs that
            wait for a person are left alone, and so are those that wait for a time, unless it comes within --wait. With --json
            the report is an array of { runId, workflowId, status, error? }. Exit status: 0, or 1 if a run failed or could not
            be taken up.

            EXAMPLES
              aikit-lua runs recover
              aikit-lua runs recover --workflow order --allow-net=api.example.com
              aikit-lua runs recover --wait 1h --json
            """)

    @OptionGroup var store: StoreChoice

    @Option(help: ArgumentHelp("Only runs of this workflow.", valueName: "id"))
    var workflow: String?

    @Option(help: ArgumentHelp("Take up runs that sleep for less than this, too.", valueName: "duration"))
    var wait: String?

    @Option(help: ArgumentHelp("How many threads run steps; one a core unless given.", valueName: "n"))
    var workers: Int?

    @Flag(help: "Print the report as JSON.")
    var json = false

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    /// What became of one run.
    private struct Finding: Sendable {
        var run: String
        var workflow: String
        var status: String
        var error: String?

        var isGood: Bool { error == nil && status != "failed" }

        var value: Value {
            var entries: [(String, Value)] = [
                ("runId", Value(run)), ("workflowId", Value(workflow)), ("status", Value(status)),
            ]
            if let error { entries.append(("error", Value(error))) }
            return Value(entries: entries)
        }
    }

    func run() throws {
        var request = RunRequest(store: try store.path, workers: workers)
        request.net = permissions.net
        request.env = permissions.env
        request.read = permissions.read
        request.write = permissions.write
        request.run = permissions.run
        let plan = try request.plan()
        var scope = RecoveryScope(workflow: workflow, timersUntil: SystemClock().now())
        if let wait {
            guard let duration = DurationText.microseconds(wait) else {
                throw UsageError("--wait takes a duration such as 30s or 1h, got '\(wait)'")
            }
            scope.timersUntil += duration
        }
        let findings = try store.withRuns { [scope] runs in try await Self.recover(scope, in: runs, plan) }
        tell(findings)
        if !findings.allSatisfy(\.isGood) { throw ExitStatus.failed.code }
    }

    private static func recover(_ scope: RecoveryScope, in runs: StoredRuns, _ plan: RunPlan) async throws -> [Finding]
    {
        let engine = WorkflowEngine(
            workers: plan.workers, host: HostEffectsService(permissions: plan.permissions), journal: runs.journal,
            log: { TextStream.errors.writeLine(LogLines(stream: .errors).line($0)) })
        defer { engine.shutdown() }
        let options = LuaScriptOptions(print: { TextStream.errors.writeLine($0) }, log: { _ in })
        let scripts = StoredScripts(runs.journal, on: engine, options: options)
        let begun = Mutex<[WorkflowRun]>([])
        let failures = try await engine.recover(
            scope, load: { try await scripts.workflow(of: $0) }, began: { run in begun.withLock { $0.append(run) } })
        var findings: [Finding] = []
        for run in begun.withLock({ $0 }) {
            let record = try await run.settled()
            let error = record.result().error?["message"]?.string
            findings.append(
                Finding(run: run.id, workflow: run.definition.id, status: record.statusName, error: error))
        }
        for failure in failures {
            let why = problems(of: failure.error).first?.message ?? "\(failure.error)"
            let header = try await runs.journal.header(of: failure.run)
            findings.append(
                Finding(
                    run: failure.run, workflow: header?.workflow ?? "", status: header?.status.rawValue ?? "",
                    error: "could not be taken up: " + why))
        }
        return findings
    }

    private func tell(_ findings: [Finding]) {
        if json { return TextStream.output.writeLine(Value(array: findings.map(\.value)).prettyJSON) }
        let style = Style(.errors)
        if findings.isEmpty { TextStream.errors.writeLine("no runs to recover") }
        for finding in findings {
            let status = RunMachine.Status(rawValue: finding.status) ?? .running
            TextStream.errors.writeLine(
                style(status.sign, status.tone) + " run \(finding.run), workflow \(finding.workflow): \(finding.status)"
                    + (finding.error.map { ": \($0)" } ?? ""))
        }
    }
}
