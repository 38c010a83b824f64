import FlatValue
import JSONSchema
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("Logs and metrics") struct SignalTests {
    private static func settings(_ variables: [String: String]) throws -> ExportSettings {
        try #require(try ExportSettings(otlp: "http://collector:4318") { variables[$0] })
    }

    /// The spans of a run whose step logged something.
    private static func trace() async throws -> [Span] {
        try await spans { code in [.step("tells", handler: code.inline { input, _ in input })] }.map { span in
            var span = span
            if span.name == "orders.step.tells" {
                span.events.append(
                    Span.Event(
                        name: Names.log, time: span.start,
                        attributes: [Names.logLevel: .string("warn"), Names.logMessage: .string("low on paper")]))
            }
            return span
        }
    }

    @Test func `logs and metrics are sent only where they are asked for, below the same address`() throws {
        #expect(try Self.settings([:]).logEndpoint == nil)
        #expect(try Self.settings([:]).metricEndpoint == nil)
        let both = try Self.settings(["OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp"])
        #expect(both.logEndpoint?.url == "http://collector:4318/v1/logs")
        #expect(both.metricEndpoint?.url == "http://collector:4318/v1/metrics")
        let own = try #require(
            try ExportSettings { name in
                ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs/x", "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "a=b"][name]
            })
        #expect(own.endpoints.isEmpty)
        #expect(own.logEndpoint?.url == "http://logs/x")
        #expect(own.logEndpoint?.headers.map(\.name) == ["a"])
    }

    @Test func `an entry of the log lies in the span of its step`() async throws {
        let spans = try await Self.trace()
        let server = FakeServer()
        let export = TraceExport(
            try Self.settings(["OTEL_LOGS_EXPORTER": "otlp"]), store: nil, http: server, warn: { _ in })
        export.send(spans)
        await export.finish(within: .seconds(20))
        let request = try #require(server.requests.first { $0.url.hasSuffix("/v1/logs") })
        let records = request.body["resourceLogs"]?[0]?["scopeLogs"]?[0]?["logRecords"]?.array ?? []
        #expect(records.count == 1)
        #expect(records[0]["severityText"] == "WARN")
        #expect(records[0]["body"] == ["stringValue": "low on paper"])
        let step = try #require(spans.first { $0.name == "orders.step.tells" })
        #expect(records[0]["spanId"]?.string == step.id.hex)
        #expect(records[0]["traceId"]?.string == step.trace.hex)
    }

    @Test func `runs and steps are counted of their spans, also of traces that are not sent`() async throws {
        let spans = try await Self.trace()
        let server = FakeServer()
        let export = TraceExport(
            try Self.settings(["OTEL_METRICS_EXPORTER": "otlp"]), store: nil, http: server, warn: { _ in })
        export.send(spans)
        await export.finish(within: .seconds(20))
        let requests = server.requests.filter { $0.url.hasSuffix("/v1/metrics") }
        #expect(requests.count == 1)
        let request = try #require(requests.last)
        let metrics = request.body["resourceMetrics"]?[0]?["scopeMetrics"]?[0]?["metrics"]?.array ?? []
        #expect(metrics.compactMap { $0["name"]?.string } == ["aikit.workflow.runs", "aikit.workflow.step.duration"])
        #expect(metrics[0]["sum"]?["dataPoints"]?[0]?["asInt"] == "1")
        let histogram = metrics[1]["histogram"]?["dataPoints"]?[0]
        #expect(histogram?["count"] == "1")
        #expect(histogram?["bucketCounts"]?.count == 15)
        #expect(histogram?["explicitBounds"]?.count == 14)
    }

    @Test func `what a script says of its spans is neither measured nor taken for what the engine says`() async throws {
        let forged: [String: Value] = [
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "FAKE", "gen_ai.usage.input_tokens": 1_000_000,
            "gen_ai.workflow.name": "FAKE", "ai_kit.workflow.step.id": "FAKE", "langfuse.trace.name": "FAKE",
            "user.id": "FAKE", "session.id": "FAKE", "error.type": "FAKE",
        ]
        let all = try await spans { code in
            [
                .step(
                    "a",
                    handler: code.inline { _, context in
                        context.setAttributes(forged)
                        return 1
                    })
            ]
        }
        let step = try #require(all.named("a"))
        #expect(!step.attributes.items.contains { $0.value == .string("FAKE") })
        #expect(step.attributes.droppedCount == forged.count)
        let record: Value = [
            "name": "x", "index": 1, "start": 1, "end": 2, "error": "no",
            "attributes": ["gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "FAKE", "own": 1],
        ]
        let made = MadeSpan.spans([try #require(MadeSpan(record))], in: step, try Self.writer())
        #expect(made.first?.attributes["own"] == .int(1))
        var metrics = SpanMetrics()
        metrics.take(all + made)
        let series = metrics.series.keys
        #expect(Set(series.map(\.instrument)) == [.runs, .steps])
        #expect(!series.contains { $0.attributes.values.contains("FAKE") })
    }

    /// What writes spans of a workflow with one step.
    private static func writer(_ settings: TraceSettings = TraceSettings()) throws -> SpanWriter {
        let plan = try DefinitionReader.plan(
            from: WorkflowDefinition(id: "orders", nodes: [.step("a", handler: 1)]).value)
        return SpanWriter(
            template: SpanTemplate(plan, runID: "run-1", settings: settings, redaction: Redaction()),
            redaction: Redaction(), now: 1_400_000, isFull: true)
    }

    @Test func `an event that a step calls log is no entry of the log`() async throws {
        let all = try await spans { code in
            [
                .step(
                    "a",
                    handler: code.inline { _, context in
                        context.emit(type: "log", data: "mine")
                        return 1
                    })
            ]
        }
        #expect(all.named("a")?.events.map(\.name) == ["log"])
        #expect(all.allSatisfy { LogText.records($0).isEmpty })
        #expect(all.flatMap(\.events).allSatisfy { !$0.isLog })
    }

    @Test func `an entry of the log names its run and its place in the journal, by which doubles are told`() throws {
        let plan = try DefinitionReader.plan(
            from: WorkflowDefinition(id: "orders", nodes: [.step("a", handler: 1)]).value)
        var log = RunLog()
        defer { log.deallocate() }
        var machine = RunMachine(plan: plan)
        try machine.decide(.started(input: .none, metadata: .none, ctx: .none), at: 1, log: &log)
        let command = try #require(machine.outstandingCommands().first { $0.kind == .invoke })
        for _ in 0..<2 {
            let entry = log.arena.writing { $0.write(["level": "warn", "message": "low"] as Value) }
            try machine.decide(.logged(frame: command.frame, record: entry), at: 2, log: &log)
        }
        try machine.decide(
            .completed(frame: command.frame, serial: command.serial, output: .none, next: Fact.usualNext), at: 3,
            log: &log)
        let all = SpanBuilder.spans(plan: plan, runID: "run-1", log: log)
        let attributes = all.flatMap { LogText.records($0) }.map { record in
            (record["attributes"]?.array ?? []).filter { $0["key"]?.string?.hasPrefix("aikit.") == true }
                .compactMap { $0["value"]?["stringValue"] ?? $0["value"]?["intValue"] }
        }
        #expect(attributes == [["run-1", "4"], ["run-1", "5"]])
    }

    @Test func `calls of models are measured as the conventions have it`() {
        var metrics = SpanMetrics()
        var span = Span(
            trace: TraceID(run: "r"), id: SpanID(run: "r", path: "m", attempt: 1, occurrence: 1), name: "chat tiny",
            start: 0, end: 30_000)
        span.attributes = [
            Names.operation: .string("chat"), Names.requestModel: .string("tiny"), Names.inputTokens: .int(5),
            Names.outputTokens: .int(64),
        ]
        span.role = .model
        metrics.take([span, span])
        let tokens = metrics.series.filter { $0.key.instrument == .tokens }
        #expect(tokens.count == 2)
        let output = tokens.first { $0.key.attributes["gen_ai.token.type"] == "output" }?.value
        #expect(output?.sum == 128)
        #expect(output?.buckets[3] == 2)
        let calls = metrics.series.first { $0.key.instrument == .calls }
        #expect(calls?.value.buckets[2] == 2)
        for number in 0..<3000 {
            span.attributes[Names.requestModel] = .string("m\(number)")
            metrics.take([span])
        }
        #expect(metrics.series.count <= 2003)
    }
}
