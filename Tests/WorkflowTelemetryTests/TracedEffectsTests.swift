import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("The trace of a request") struct TracedEffectsTests {
    private func headers(_ given: Value?, _ caller: HostCaller) throws -> [String: String] {
        let server = FakeServer()
        var payload: [(String, Value)] = [("url", "http://a"), ("body", "{}")]
        if let given { payload.append(("headers", given)) }
        let request = HostRequest(token: 1, operation: "http", payload: Value(entries: payload))
        _ = TracedEffects(server).begin(request, for: caller) { _ in }
        return try #require(server.requests.first).headers
    }

    @Test func `a request tells of the span of its step`() throws {
        var caller = HostCaller(workflow: "orders", run: "run-1", path: "a/b")
        caller.attempt = 2
        let sent = try headers(["accept": "text/csv"], caller)
        #expect(sent["accept"] == "text/csv")
        #expect(sent["traceparent"] == "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01")
        caller.traceparent = "00-11111111111111111111111111111111-2222222222222222-00"
        #expect(try headers(nil, caller)["traceparent"] == "00-11111111111111111111111111111111-805b88a99a9eeea7-00")
    }

    @Test func `what the script says itself stays`() throws {
        let caller = HostCaller(workflow: "orders", run: "run-1", path: "a")
        #expect(try headers(["Traceparent": "own"], caller) == ["Traceparent": "own"])
    }
}
