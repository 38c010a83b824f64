internal import ArgumentParser
internal import HostEffects
internal import WorkflowCore
internal import WorkflowTelemetry

/// How a command stays with the run that it drives: the same for `run`, `resume`, `signal`, `runs retry` and `runs fork`.
struct RunOptions: ParsableArguments {
    @Flag(help: "Print one JSON event a line on standard output, the result last; events of before are left out.")
    var events = false

    @Option(
        help: ArgumentHelp(
            "Stay for no longer than this, such as 30s or 5m; then the run is let go (in memory: cancelled).",
            valueName: "duration"))
    var timeout: String?

    @Flag(help: "Cancel the run when --timeout is over.")
    var cancelOnTimeout = false

    @Option(
        help: ArgumentHelp(
            "Stay while the run waits for a time that is no further away; \(StayRequest.usualWaitText) unless given.",
            valueName: "duration"))
    var wait: String?

    @Flag(help: "Let the run go as soon as it only waits, for whatever it is; the same as --wait 0s.")
    var detach = false

    @Option(help: ArgumentHelp("How many threads run steps; one a core unless given.", valueName: "n"))
    var workers: Int?

    @OptionGroup var telemetry: TelemetryOptions
    @OptionGroup var log: LogOptions

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    /// The options in plain form.
    var request: StayRequest {
        StayRequest(
            events: events, timeout: timeout, cancelsOnTimeout: cancelOnTimeout, wait: wait, detaches: detach,
            workers: workers, otlp: telemetry.otlp, permissions: permissions.permissions,
            secrets: permissions.secretSettings, log: log.settings)
    }
}

/// What a command line asks of the time with its run, word for word; nothing of it has been checked.
struct StayRequest: Equatable {
    /// How long a process stays with a stored run that waits for a time, in microseconds.
    static let usualWait: Int64 = 300_000_000
    static let usualWaitText = "5m"

    var events = false
    var timeout: String?
    var cancelsOnTimeout = false
    var wait: String?
    var detaches = false
    var workers: Int?
    var otlp: String?
    var permissions = Permissions()
    var secrets = SecretSettings()
    var log = LogSettings()

    /// Checks the words and puts what they say into a plan whose store has been chosen.
    func apply(to plan: inout RunPlan) throws(UsageError) {
        plan.printsEvents = events
        plan.permissions = permissions
        plan.secretSettings = secrets
        plan.secrets = try secrets.open()
        plan.log = log
        plan.workers = try RunPlan.workers(workers)
        plan.export = try ExportSettings.read(otlp: otlp)
        plan.timeout = try Self.duration(timeout, option: "--timeout", example: "500ms, 30s, 5m or 2h")
        if plan.timeout == 0 { throw UsageError("--timeout takes a duration above zero, got '\(timeout ?? "")'") }
        plan.cancelsOnTimeout = cancelsOnTimeout || plan.store == .memory
        if cancelsOnTimeout, timeout == nil { throw UsageError("--cancel-on-timeout needs a --timeout") }
        if wait != nil, detaches { throw UsageError("--detach is --wait 0s; give one of the two") }
        if plan.store == .memory, wait != nil || detaches {
            throw UsageError(
                "\(detaches ? "--detach" : "--wait") needs a store: a run in memory ends when its process lets it go")
        }
        plan.patience = detaches ? 0 : try Self.duration(wait, option: "--wait", example: "0s, 30s or 1h")
        if plan.patience == nil, plan.store != .memory { plan.patience = Self.usualWait }
        plan.detaches = plan.patience == 0
    }

    /// Sleeps for a duration in microseconds; one that the system's clock cannot tell from for ever is shortened.
    static func sleep(_ microseconds: Int64) async throws {
        try await Task.sleep(for: .microseconds(min(microseconds, 1_000_000_000_000_000)))
    }

    /// Reads the duration that an option has; nil where there is none.
    static func duration(_ text: String?, option: String, example: String) throws(UsageError) -> Int64? {
        guard let text else { return nil }
        if let duration = DurationText.microseconds(text) { return duration }
        throw UsageError("\(option) takes a duration such as \(example), got '\(text)'")
    }
}
