internal import ArgumentParser
internal import FlatValue
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
        let settings: ExportSettings?
        do throws(TelemetryError) {
            settings = try ExportSettings(otlp: otlp, environment: environment)
        } catch {
            throw UsageError(error.message)
        }
        for endpoint in settings?.allEndpoints ?? [] { try ExportCertificates.check(endpoint) }
        return settings
    }

    fileprivate var allEndpoints: [Endpoint] { endpoints + [logEndpoint, metricEndpoint].compactMap { $0 } }
}

/// Carries out the requests of an export, for which no permission of a script is needed: by each server's own certificates.
private final class ExportGateway: HostGateway {
    private let services: [String: HostEffectsService]
    private let usual: HostEffectsService

    init(_ settings: ExportSettings) {
        var permissions = Permissions()
        permissions.net = .everything
        usual = HostEffectsService(permissions: permissions)
        var services: [String: HostEffectsService] = [:]
        for endpoint in settings.allEndpoints where endpoint.certificate != nil || endpoint.clientCertificate != nil {
            var http = HTTPSettings.ofProcess
            if let file = endpoint.certificate {
                http.authorities = file
                http.authoritiesName = "OTEL_EXPORTER_OTLP_CERTIFICATE"
            }
            if let certificate = endpoint.clientCertificate, let key = endpoint.clientKey {
                http.identity = HTTPSettings.Identity(certificate: certificate, key: key)
            }
            services[endpoint.url] = HostEffectsService(permissions: permissions, settings: http)
        }
        self.services = services
    }

    func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        let service = call.payload["url"]?.string.flatMap { services[$0] } ?? usual
        return service.begin(call, answer: answer)
    }
}

extension HostGateway {
    /// The same effects, which tell the services that they call of the run's trace.
    ///
    /// - Parameter export: which traces are sent; nil for none.
    func traced(_ export: ExportSettings?) -> any HostGateway { TracedEffects(self, export) }
}

extension TraceExport {
    /// How long a command stays at its end for spans that are not sent yet.
    static let patience = Duration.seconds(2)

    /// The export of a command, through HTTP that no permission of a script is needed for.
    convenience init(
        _ settings: ExportSettings, store: (any RunStore)?, leaves: Bool = true,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.init(settings, store: store, leaves: leaves, http: ExportGateway(settings), warn: warn)
    }
}
