internal import ArgumentParser
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

struct RunsRecoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover",
        abstract: "Go on with unfinished runs whose process is gone, until they end or wait for somebody.",
        discussion: """
            Finished steps are not run again; a step that was under way begins again with the same idempotency key. Runs that
            wait in the queue begin as their limits allow, and stay in it where runs of others hold their places. Runs that
            wait for a person are left alone, and so are those that wait for a time, unless it comes within --wait. Each run has
            the permissions that it began with; --allow-net adds to them. With --otlp spans are sent as well that a process
            which died had not sent. Ctrl-C and SIGTERM let the runs go. With --json the report is an array of
            { runId, workflowId, status, wakeAt?, queue?, error?, code? }. Exit status: 0, 1 if a run failed or could not be taken
            up, 3 if --timeout let runs go that are not over, if the run that was asked for waits, or if a run of an older version
            needs permissions that it did not record.

            EXAMPLES
              aikit-lua runs recover
              aikit-lua runs recover order-7
              aikit-lua runs recover --workflow order --timeout 10m
              aikit-lua runs recover --wait 1h --json
            """)

    @Argument(
        help: ArgumentHelp("Only this run: its id, or the beginning of it.", valueName: "run"),
        completion: .custom { _, _, prefix in StoredRuns.ids(from: prefix) })
    var target: String?

    @OptionGroup var store: StoreChoice

    @Option(help: ArgumentHelp("Only runs of this workflow.", valueName: "id"))
    var workflow: String?

    @Option(
        help: ArgumentHelp(
            "Also take up runs that wait for a time no further away than this, and stay that long for any; stays "
                + "\(StayRequest.usualWaitText) unless given.", valueName: "duration"))
    var wait: String?

    @Option(
        help: ArgumentHelp("Stay for no longer than this; what is not over then is let go.", valueName: "duration"))
    var timeout: String?

    @Option(help: ArgumentHelp("How many threads run steps; one a core unless given.", valueName: "n"))
    var workers: Int?

    @Flag(help: "Print the report as JSON.")
    var json = false

    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var telemetry: TelemetryOptions
    @OptionGroup var log: LogOptions

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        let recovery = RunsRecovery()
        Interrupts.install(onFirst: { _ in recovery.letGo() })
        let wait = try StayRequest.duration(wait, option: "--wait", example: "30s or 1h")
        let timeout = try StayRequest.duration(timeout, option: "--timeout", example: "30s or 5m")
        let (target, workflow, workers) = (target, workflow, try RunPlan.workers(workers))
        let log = log.settings
        let host = HostSettings(
            permissions: permissions.permissions, secrets: try permissions.secretSettings.open(),
            isolation: isolation.isolation, workers: workers, print: log.printed, log: log.written,
            tell: { TextStream.errors.writeLine($0) })
        let export = try ExportSettings.read(otlp: telemetry.otlp)
        let findings = try store.withRuns { runs in
            var scope = RecoveryScope(workflow: workflow, timersUntil: SystemClock().now() + (wait ?? 0))
            if let target { scope.run = try await runs.find(target).id }
            scope.takesQueued = target == nil
            let findings = try await recovery.carryOut(
                scope, in: runs, patience: wait ?? StayRequest.usualWait, timeout: timeout,
                host: host, export: export)
            // Of a run that was asked for by name it is told where it stands.
            guard findings.isEmpty, let id = scope.run, let header = try await runs.journal.header(of: id) else {
                return findings
            }
            return [RunsRecovery.Finding(header)]
        }
        tell(findings)
        if let signal = Interrupts.caught { throw Interrupts.status(of: signal).code }
        if !findings.allSatisfy(\.isGood) { throw ExitStatus.failed.code }
        let isWaiting =
            target != nil && findings.contains { RunMachine.Status(rawValue: $0.status)?.isTerminal == false }
        if recovery.isLettingGo || isWaiting || findings.contains(where: \.isLeftAlone) {
            throw ExitStatus.waiting.code
        }
    }

    private func tell(_ findings: [RunsRecovery.Finding]) {
        if json { return TextStream.output.writeLine(Value(array: findings.map(\.value)).prettyJSON) }
        let style = Style(.errors)
        if findings.isEmpty { TextStream.errors.writeLine("no runs to recover") }
        for finding in findings {
            let status = RunMachine.Status(rawValue: finding.status) ?? .running
            TextStream.errors.writeLine(
                style(status.sign, status.tone) + " run \(finding.run), workflow \(finding.workflow): \(finding.status)"
                    + (finding.detail.map { ": \($0)" } ?? ""))
        }
    }
}
