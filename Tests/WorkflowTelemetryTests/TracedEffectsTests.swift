import FlatValue
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("The trace of a request") struct TracedEffectsTests {
    private static let sending = { () -> ExportSettings in
        guard let settings = try? ExportSettings(otlp: "http://collector", environment: { _ in nil }) else {
            fatalError("no settings")
        }
        return settings
    }()

    private func headers(
        _ given: Value?, _ call: HostCall, _ settings: ExportSettings? = Self.sending,
        _ take: @escaping @Sendable (HostAnswer) -> Void = { _ in }
    ) throws -> [String: String] {
        let server = FakeServer()
        var payload: [(String, Value)] = [("url", "http://a"), ("body", "{}")]
        if let given { payload.append(("headers", given)) }
        var request = call
        request.payload = Value(entries: payload)
        _ = TracedEffects(server, settings).begin(request, answer: take)
        return try #require(server.requests.first).headers
    }

    @Test func `a request tells of the trace of its step`() throws {
        var caller = HostCall("http", workflow: "orders", run: "run-1", path: "a/b")
        caller.attempt = 2
        let sent = try headers(["accept": "text/csv"], caller)
        #expect(sent["accept"] == "text/csv")
        let parent = try #require(sent["traceparent"].flatMap { TraceParent($0) })
        #expect(parent.trace == TraceID(run: "run-1") && parent.isSampled)
        caller.traceparent = "00-11111111111111111111111111111111-2222222222222222-00"
        let outer = try #require(try headers(nil, caller)["traceparent"].flatMap { TraceParent($0) })
        #expect(outer.trace.hex == String(repeating: "1", count: 32) && !outer.isSampled && outer.span != parent.span)
    }

    @Test func `where no spans are sent a request says so`() throws {
        var caller = HostCall("http", workflow: "orders", run: "run-1", path: "a")
        let own = try #require(try headers(nil, caller, nil)["traceparent"].flatMap { TraceParent($0) })
        #expect(own.trace == TraceID(run: "run-1") && !own.isSampled)
        caller.traceparent = "00-11111111111111111111111111111111-2222222222222222-01"
        let outer = try #require(try headers(nil, caller, nil)["traceparent"].flatMap { TraceParent($0) })
        #expect(outer.trace.hex == String(repeating: "1", count: 32) && outer.isSampled)
    }

    @Test func `a request of a run without spans, or of which only figures are sent, says that it is not recorded`()
        throws
    {
        var caller = HostCall("http", workflow: "orders", run: "run-1", path: "a")
        let figures = try ExportSettings { $0 == "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" ? "http://collector" : nil }
        #expect(try headers(nil, caller, figures)["traceparent"]?.hasSuffix("-00") == true)
        caller.isTraceOff = true
        #expect(try headers(nil, caller)["traceparent"]?.hasSuffix("-00") == true)
        caller.traceparent = "00-11111111111111111111111111111111-2222222222222222-01"
        #expect(try headers(nil, caller)["traceparent"]?.hasSuffix("-01") == true)
    }

    @Test(
        arguments: [
            ("always_off", "01", false), ("traceidratio:0", "01", false), ("always_on", "00", true),
            ("parentbased_always_off", nil, false), ("parentbased_always_off", "01", true),
            ("parentbased_always_on", "00", false),
        ] as [(String, String?, Bool)])
    func `a request says what the sampler does`(sampler: String, flags: String?, isSampled: Bool) throws {
        let parts = sampler.split(separator: ":").map(String.init)
        let variables = ["OTEL_TRACES_SAMPLER": parts[0], "OTEL_TRACES_SAMPLER_ARG": parts.last ?? ""]
        let settings = try #require(
            try ExportSettings(otlp: "http://collector") {
                parts.count > 1 || $0 != "OTEL_TRACES_SAMPLER_ARG" ? variables[$0] : nil
            })
        var caller = HostCall("http", workflow: "orders", run: "run-1", path: "a")
        caller.traceparent = flags.map { "00-11111111111111111111111111111111-2222222222222222-\($0)" }
        let told = try #require(try headers(nil, caller, settings)["traceparent"].flatMap { TraceParent($0) })
        #expect(told.isSampled == isSampled)
    }

    @Test func `what the script says itself stays`() throws {
        let caller = HostCall("http", workflow: "orders", run: "run-1", path: "a")
        #expect(try headers(["Traceparent": "own"], caller) == ["Traceparent": "own"])
    }

    @Test func `the span of a request has the id that the service was told`() throws {
        let telling = TellingServer()
        let request = HostCall(
            "http", payload: ["url": "http://a", "body": "{}"], workflow: "orders", run: "run-1", path: "a")
        _ = TracedEffects(telling, Self.sending).begin(request) { answer in
            let id = answer.usage?["span"]?["id"]?.string
            #expect(id != nil && telling.told?.contains(id ?? "-") == true)
        }
        #expect(telling.told != nil)
    }
}

/// Answers each request with a span of it.
private final class TellingServer: HostGateway {
    private let header = Mutex<String?>(nil)

    var told: String? { header.withLock { $0 } }

    func begin(_ request: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        header.withLock { $0 = request.payload["headers"]?["traceparent"]?.string }
        var result = HostAnswer.success(["status": 200])
        result.usage = ["span": ["name": "GET", "start": 1, "end": 2, "http": ["method": "GET"]]]
        answer(result)
        return nil
    }
}
