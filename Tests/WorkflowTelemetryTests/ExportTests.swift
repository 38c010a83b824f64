import FlatValue
import JSONSchema
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("Sending spans") struct ExportTests {
    private func settings(_ variables: [String: String] = [:]) throws -> ExportSettings {
        try #require(try ExportSettings(otlp: "http://collector:4318") { variables[$0] })
    }

    private func span(_ number: Int) -> Span {
        var span = Span(
            trace: TraceID(run: "run-1"), id: SpanID(run: "run-1", path: "\(number)", attempt: 1, occurrence: 1),
            name: "span \(number)", start: 1_700_000_000_000_000, end: 1_700_000_000_000_001)
        span.role = .step
        return span
    }

    /// Sends spans to a server and gives what was told of it.
    private func send(
        _ count: Int, to server: FakeServer, _ settings: ExportSettings, within limit: Duration = .seconds(20)
    ) async -> [String] {
        let lines = Lines()
        let export = TraceExport(settings, store: nil, http: server) { lines.add($0) }
        export.send((0..<count).map(span))
        await export.finish(within: limit)
        return lines.all
    }

    @Test func `batches are gzipped OTLP in JSON, of no more spans than they may have`() async throws {
        let server = FakeServer()
        let told = try await send(5, to: server, settings(["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2"]))
        #expect(told == [])
        #expect(server.requests.map(\.spans.count) == [2, 2, 1])
        let request = try #require(server.requests.first)
        #expect(request.url == "http://collector:4318/v1/traces")
        #expect(request.headers["content-encoding"] == "gzip")
        #expect(request.headers["content-type"] == "application/json")
        let span = try #require(request.spans.first)
        #expect(span["traceId"]?.string == "4e65d3fbe8ad6535681b021b30785b12")
        #expect(span["startTimeUnixNano"]?.string == "1700000000000000000")
        #expect(span["endTimeUnixNano"]?.string == "1700000000000001000")
        #expect(span["kind"]?.int == 1)
    }

    @Test func `a server that is busy gets the batch again, after the wait that it asks for`() async throws {
        let server = FakeServer([.status(503, retryAfter: 0), .status(429, retryAfter: 0)])
        let told = try await send(1, to: server, settings())
        #expect(server.requests.count == 3)
        #expect(told.count == 1)
        #expect(told.first?.contains("503") == true)
    }

    @Test(arguments: [400, 401, 404, 413, 500]) func `what is refused is dropped and counted`(status: Int64)
        async throws
    {
        let server = FakeServer(then: .status(status, body: "<html>"))
        let told = try await send(3, to: server, settings())
        #expect(server.requests.count == 1)
        #expect(
            told == ["telemetry: http://collector:4318/v1/traces: the server answers \(status); 3 spans were dropped"])
    }

    @Test func `spans that the server rejects are counted`() async throws {
        let body = #"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}"#
        let told = try await send(3, to: FakeServer(then: .status(200, body: body)), settings())
        #expect(told.count == 1)
        #expect(told.first?.hasSuffix("too old; 2 spans were dropped") == true)
    }

    @Test(arguments: ["", "garbage", "[]", "{}"])
    func `an answer that says nothing of rejected spans is taken as it is`(body: String) async throws {
        let told = try await send(3, to: FakeServer(then: .status(200, body: body)), settings())
        #expect(told == [])
    }

    @Test func `a success that is larger than what is read is a success, and a refusal a refusal`() async throws {
        #expect(try await send(3, to: FakeServer(then: .large(status: 200)), settings()) == [])
        let told = try await send(3, to: FakeServer(then: .large(status: 400)), settings())
        #expect(told == ["telemetry: http://collector:4318/v1/traces: the server answers 400; 3 spans were dropped"])
        let server = FakeServer([.large(status: 503)])
        #expect(try await send(3, to: server, settings()).first?.hasSuffix("the server answers 503") == true)
        #expect(server.requests.count == 2)
    }

    @Test(arguments: [FakeServer.Reply.silence, .unreachable, .status(503, retryAfter: 3600)])
    func `a server that does not answer keeps nobody longer than the time at the end`(reply: FakeServer.Reply)
        async throws
    {
        let clock = ContinuousClock()
        let server = FakeServer(then: reply)
        let start = clock.now
        let told = try await send(3, to: server, settings(), within: .milliseconds(200))
        #expect(clock.now - start < .seconds(120), "the time between attempts is an hour")
        #expect(told.contains { $0.hasSuffix("3 spans were dropped") })
    }

    @Test func `what the queue has no room for is dropped and counted`() async throws {
        let server = FakeServer()
        let told = try await send(10, to: server, settings(["OTEL_BSP_MAX_QUEUE_SIZE": "4"]))
        #expect(server.spanCount == 4)
        #expect(told.first?.hasSuffix("the queue is full; 6 spans were dropped") == true)
    }

    @Test func `a run is followed from outside, and one endpoint that hangs holds up neither it nor the other`()
        async throws
    {
        var both = try settings()
        both.endpoints.append(both.endpoints[0])
        both.endpoints[1].name = "the other"
        both.endpoints[1].url = "http://other/v1/traces"
        let server = SplitServer()
        let export = TraceExport(both, store: nil, http: server) { _ in }
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let workflow = try Workflow(id: "orders") { code in [.step("load", handler: code.inline { _, _ in 1 })] }
        for number in 1...50 {
            let run = engine.createRun(workflow, id: "run-\(number)")
            export.follow(run)
            #expect(try await run.run().status == .success)
        }
        await export.finish(within: .milliseconds(500))
        #expect(server.answering.spanCount == 100)
    }

    @Test func `a run that is sent live has the spans of its journal`() async throws {
        let server = FakeServer()
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let export = TraceExport(try settings(), store: nil, http: server) { _ in }
        let workflow = try Workflow(id: "orders") { code in
            [.step("load", handler: code.inline { _, _ in 1 }), .human("ask")]
        }
        let run = engine.createRun(workflow, id: "run-1")
        export.follow(run)
        _ = try await run.run()
        let record = try await run.resume(data: ["ok": true])
        await export.finish(within: .seconds(10))
        let text = TraceDocument.json(SpanBuilder.spans(of: record), resource: try settings().resource)
        let later = try Value(json: text)["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array
        #expect(server.requests.flatMap(\.spans) == later)
        #expect(later?.count == 5)
    }

    @Test(arguments: [("always_off", 0), ("traceidratio", 0), ("always_on", 2)])
    func `the sampler chooses whole traces`(sampler: String, count: Int) async throws {
        let server = FakeServer()
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let variables = ["OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": "0"]
        let export = TraceExport(try settings(variables), store: nil, http: server) { _ in }
        let workflow = try Workflow(id: "orders") { code in [.step("load", handler: code.inline { _, _ in 1 })] }
        let run = engine.createRun(workflow, id: "run-1")
        export.follow(run)
        _ = try await run.run()
        await export.finish(within: .seconds(10))
        #expect(server.spanCount == count)
    }
}

/// Two servers behind one door: `collector` never answers, any other does.
private final class SplitServer: HostGateway {
    let answering = FakeServer()
    private let silent = FakeServer(then: .silence)

    func begin(_ request: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        let isSilent = request.payload["url"]?.string?.contains("collector") == true
        return (isSilent ? silent : answering).begin(request, answer: answer)
    }
}
