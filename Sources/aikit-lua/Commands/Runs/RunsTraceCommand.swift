internal import ArgumentParser
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

struct RunsTraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Show the spans of a run, or send them, whenever the run was.",
        discussion: """
            The spans are made out of the run's journal, so nothing had to be switched on when it ran, and sending them twice
            makes no second ones. With --otlp they are sent there, with --json they are printed as an OTLP request; otherwise
            they are shown as a tree. Exit status: 0, 1 if spans could not be sent.

            EXAMPLES
              aikit-lua runs trace order-7
              aikit-lua runs trace order-7 --otlp http://127.0.0.1:4318
              aikit-lua runs trace order-7 --json | jq '.resourceSpans[].scopeSpans[].spans[].name'
            """)

    @OptionGroup var target: RunChoice
    @OptionGroup var store: StoreChoice

    @Flag(help: "Print the spans as the body of an OTLP request in JSON.")
    var json = false

    @Option(help: ArgumentHelp("Send the spans to this OTLP/HTTP server.", valueName: "url"))
    var otlp: String?

    @Flag(help: "Send the spans to where OTEL_* and LANGFUSE_* say.")
    var send = false

    /// How long sending may take.
    private static let patience = Duration.seconds(60)

    func run() throws {
        if json, otlp != nil || send { throw UsageError("--json prints the spans; leave --otlp and --send out") }
        let id = target.run
        let spans = try store.withRuns { runs in
            let header = try await runs.find(id)
            let record = try await runs.load(header)
            return try record.telling { SpanBuilder.spans(of: record) }
        }
        if json {
            let resource = try ExportSettings.read(otlp: nil)?.resource ?? ExportSettings().resource
            return TextStream.output.writeLine(TraceDocument.json(spans, resource: resource))
        }
        guard otlp != nil || send else { return TextStream.output.write(SpanTree(spans).text) }
        guard let settings = try ExportSettings.read(otlp: otlp) else {
            throw UsageError(
                environment("OTEL_SDK_DISABLED")?.lowercased() == "true"
                    ? "OTEL_SDK_DISABLED is true, so nothing is sent"
                    : "--send needs an endpoint: OTEL_EXPORTER_OTLP_ENDPOINT, or the keys of Langfuse")
        }
        guard !settings.endpoints.isEmpty else {
            throw UsageError("there is no endpoint for traces: give --otlp, or OTEL_EXPORTER_OTLP_ENDPOINT")
        }
        let export = TraceExport(settings.sendingAll, store: nil) { TextStream.errors.writeLine($0) }
        export.send(spans)
        waitFor { await export.finish(within: Self.patience) }
        if export.lost > 0 { throw ExitStatus.failed.code }
        TextStream.errors.writeLine("sent \(counted(spans.count, "span"))")
    }
}
