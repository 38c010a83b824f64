import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("What a collector says of what it was sent") struct EndpointSecretTests {
    private func secrets(_ variables: [String: String], otlp: String = "http://a") throws -> EndpointSecrets {
        EndpointSecrets(try #require(try ExportSettings(otlp: otlp) { variables[$0] }?.endpoints.first))
    }

    @Test(
        arguments: [
            ("bad key SESAM-77", "bad key [secret]"), ("SESAM-77SESAM-77", "[secret][secret]"),
            ("no Bearer TOKEN-99 here", "no [secret] here"), ("token TOKEN-99", "token [secret]"),
            ("an ox, not a box", "an [secret], not a box"), ("a 1 is no secret", "a 1 is no secret"),
            ("all is well", "all is well"), (#"bad key \u0053ESAM-77"#, "bad key [secret]"),
            ("no route to token-99.example", "no route to [secret].example"), ("bad key SESAM-7", "bad key [secret]"),
        ]) func `the values of headers are taken out`(said: String, shown: String) throws
    {
        let headers = "x-key=SESAM-77,authorization=Bearer%20TOKEN-99,x-short=ox,x-version=1"
        #expect(try secrets(["OTEL_EXPORTER_OTLP_HEADERS": headers]).takenOut(of: said) == shown)
    }

    @Test func `so is what they stand for, and what the URL has`() throws {
        // `ada:opensesame`
        let basic = try secrets(["OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20YWRhOm9wZW5zZXNhbWU="])
        #expect(
            basic.takenOut(of: "ada may not use opensesame, YWRhOm9wZW5zZXNhbWU=")
                == "[secret] may not use [secret], [secret]")
        let url = try secrets([:], otlp: "http://ada:open%20sesame@a/?key=TOKEN-99&x")
        #expect(url.takenOut(of: "open sesame, open%20sesame, TOKEN-99") == "[secret], [secret], [secret]")
    }

    @Test func `what is told of an endpoint has none of them`() async throws {
        let body = #"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"bad key SESAM-77"}}"#
        let server = FakeServer(then: .status(200, body: body))
        let lines = Lines()
        let settings = try #require(
            try ExportSettings(otlp: "http://a") { ["OTEL_EXPORTER_OTLP_HEADERS": "x-key=SESAM-77"][$0] })
        let export = TraceExport(settings, store: nil, http: server) { lines.add($0) }
        export.send(try await spans { code in [.step("a", handler: code.inline { _, _ in 1 })] })
        await export.finish(within: .seconds(60))
        #expect(lines.all == ["telemetry: http://a/v1/traces: bad key [secret]; 1 span was dropped"])
    }
}
