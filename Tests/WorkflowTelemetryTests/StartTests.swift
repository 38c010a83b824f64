import FlatValue
import MemoryJournal
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// What a Swift program says of the trace of one run.
@Suite("Telemetry of a run that Swift starts") struct StartTests {
    private static let header = "00-11111111111111111111111111111111-2222222222222222-01"

    private func workflow() throws -> Workflow {
        try Workflow(id: "orders", telemetry: ["user_id": "workflow", "metadata": ["a": 1, "b": 1]]) { code in
            [.step("load", handler: code.inline { _, _ in 1 })]
        }
    }

    private func spans(_ make: (WorkflowEngine, Workflow) throws -> WorkflowRun) async throws -> [Span] {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        return SpanBuilder.spans(of: try await make(engine, try workflow()).run(input: 1))
    }

    @Test func `what the run says counts before what its workflow says, and metadata is merged`() async throws {
        let spans = try await spans { engine, workflow in
            try engine.createRun(workflow, telemetry: ["userId": "run", "metadata": ["b": 2], "sessionId": "s"])
        }
        let step = try #require(spans.named("load"))
        #expect(step.text("user.id") == "run" && step.text("session.id") == "s")
        #expect(step.attributes["langfuse.trace.metadata.a"] == .int(1))
        #expect(step.attributes["langfuse.trace.metadata.b"] == .int(2))
        #expect(step.trace == TraceID(run: try #require(spans.named("run")?.text("ai_kit.workflow.run_id"))))
    }

    @Test func `a run that refuses telemetry has no spans`() async throws {
        #expect(try await spans { try $0.createRun($1, telemetry: false) }.isEmpty)
        #expect(try await spans { try $0.createRun($1).traced(false) }.isEmpty)
    }

    @Test func `a run lies in the span of its caller`() async throws {
        let spans = try await spans { try $0.createRun($1, telemetry: true, traceparent: Self.header) }
        let root = try #require(spans.named("run"))
        #expect(root.trace.hex == String(repeating: "1", count: 32))
        #expect(root.parent?.hex == String(repeating: "2", count: 16))
    }

    @Test(
        arguments: [
            (["userId": 5], nil, "telemetry has a wrong `userId`: expected a string, got the number 5"),
            ("yes", nil, "telemetry takes a boolean or an object, got \"yes\""),
            (true, "00-1-2-01", "traceparent takes W3C's header, such as 00-<32 digits>-<16 digits>-01"),
        ] as [(Value, String?, String)])
    func `what is no telemetry is refused before the run is started`(
        telemetry: Value, traceparent: String?, message: String
    ) throws {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let workflow = try workflow()
        let failure = #expect(throws: RunFailure.self) {
            try engine.createRun(workflow, telemetry: telemetry, traceparent: traceparent)
        }
        #expect(failure?.code == "invalid_telemetry" && failure?.message == message)
    }

    @Test func `a run that has been started takes no telemetry any more`() async throws {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let run = engine.createRun(try workflow())
        _ = try await run.run(input: 1)
        let failure = #expect(throws: RunFailure.self) { try run.traced(false) }
        #expect(failure?.code == "already_started")
    }

    @Test func `a request to a directory says the same`() async throws {
        let journal = MemoryJournal(MemoryStore())
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let directory = try RunDirectory(engine, catalog: FixedCatalog([try workflow()]))
        var request = StartRequest(workflow: "orders", input: 1, id: "run-1")
        request.telemetry = ["user_id": "run"]
        request.traceparent = Self.header
        _ = try await directory.start(request)
        let record = try await directory.settled("run-1").record
        let root = try #require(SpanBuilder.spans(of: record).named("run"))
        #expect(root.text("user.id") == "run" && root.parent?.hex == String(repeating: "2", count: 16))
        request.id = "run-2"
        request.telemetry = ["nothing": 1]
        await #expect(throws: RunFailure.self) { try await directory.start(request) }
        await engine.shutdown(grace: .zero)
        await journal.close()
    }
}
