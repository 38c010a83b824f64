internal import ArgumentParser
internal import HostEffects
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// Where the spans of runs are sent, besides where the environment says.
struct TelemetryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Send traces to this OTLP/HTTP server, such as http://127.0.0.1:4318; OTEL_* and LANGFUSE_* count too.",
            valueName: "url"))
    var otlp: String?
}

extension ExportSettings {
    /// What the command line and the environment say; nil where nothing asks for telemetry.
    static func read(otlp: String?) throws(UsageError) -> ExportSettings? {
        do throws(TelemetryError) {
            return try ExportSettings(otlp: otlp, environment: environment)
        } catch {
            throw UsageError(error.message)
        }
    }
}

extension HostGateway {
    /// The same effects, which tell the services that they call of the run's trace.
    func traced(isSent: Bool) -> any HostGateway { TracedEffects(self, isSent: isSent) }
}

extension TraceExport {
    /// How long a command stays at its end for spans that are not sent yet.
    static let patience = Duration.seconds(2)

    /// The export of a command, through HTTP that no permission of a script is needed for.
    convenience init(
        _ settings: ExportSettings, store: (any RunStore)?, warn: @escaping @Sendable (String) -> Void
    ) {
        var permissions = Permissions()
        permissions.net = .everything
        self.init(settings, store: store, http: HostEffectsService(permissions: permissions), warn: warn)
    }
}
