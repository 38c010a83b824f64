import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// Runs that are followed as they go, and the same runs read later.
@Suite("Spans that are sent live") struct LiveTests {
    /// What happens to a run besides what its workflow does.
    enum Course: Sendable {
        case ends
        case answers([Value])
        case cancelled
    }

    struct Kind: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var course = Course.ends
        var nodes: @Sendable (inout StepHandlers) -> [NodeDefinition]
    }

    static let kinds = [
        Kind(testDescription: "steps and a retry") { code in
            [
                .step("load", handler: code.inline { _, _ in 1 }),
                .step(
                    "send",
                    handler: code.inline { value, context in
                        context.setAttributes(["try": Value(Int64(context.attempt))])
                        context.emit(type: "tried", data: value)
                        if context.attempt < 3 { throw StepError(code: "busy", message: "later") }
                        return value
                    }, retry: .init(maxAttempts: 3, initial: .milliseconds(1))),
            ]
        },
        Kind(testDescription: "a foreach of many items within a loop") { code in
            [
                .loop(
                    "turns", condition: code.inline { _, context in Value((context.iteration ?? 1) <= 3) },
                    body: [
                        .foreach(
                            "each", items: code.inline { _, _ in Value(array: (0..<700).map { Value(Int64($0)) }) },
                            concurrency: 7, body: [.step("item", handler: code.inline { value, _ in value })])
                    ])
            ]
        },
        Kind(testDescription: "branches in parallel") { code in
            [
                .parallel(
                    "both",
                    branches: [
                        "a": [
                            .branch(
                                "way", resolve: code.inline { _, _ in "left" },
                                cases: ["left": [.step("l", handler: code.inline { value, _ in value })]])
                        ],
                        "b": [
                            .delay("rest", .fixed(.seconds(86_400))), .step("two", handler: code.inline { _, _ in 2 }),
                        ],
                    ])
            ]
        },
        Kind(testDescription: "what is undone of a run that fails") { code in
            [
                .step("book", handler: code.inline { _, _ in 1 }, compensate: code.inline { _, _ in .null }),
                .step("hold", handler: code.inline { _, _ in 2 }, compensate: code.inline { _, _ in .null }),
                .step("pay", handler: code.inline { _, _ in throw StepError(message: "no", retryable: false) }),
            ]
        },
        Kind(testDescription: "answers of people", course: .answers([1, 2])) { code in
            [
                .step("draft", handler: code.inline { _, _ in 1 }), .human("first"),
                .step("send", handler: code.inline { value, _ in value }), .human("second"),
                .step("end", handler: code.inline { value, _ in value }),
            ]
        },
        Kind(testDescription: "a run that is cancelled", course: .cancelled) { code in
            [
                .step("draft", handler: code.inline { _, _ in 1 }, compensate: code.inline { _, _ in .null }),
                .waitFor("wait", event: "go"),
            ]
        },
    ]

    @Test(arguments: kinds) func `a run has the same spans live and later, each once`(kind: Kind) async throws {
        let server = FakeServer()
        let variables = ["OTEL_BSP_MAX_QUEUE_SIZE": "100000"]
        let settings = try #require(try ExportSettings(otlp: "http://collector") { variables[$0] })
        let engine = WorkflowEngine(workers: 1, clock: TickingClock())
        defer { engine.shutdown() }
        let export = TraceExport(settings, store: nil, http: server) { Issue.record("\($0)") }
        export.follow(engine)
        let run = engine.createRun(try Workflow(id: "orders", kind.nodes), id: "run-1")
        try run.start(input: [:], metadata: nil, ctx: nil, trace: ["telemetry": true])
        var record = try await run.settled()
        switch kind.course {
        case .ends: break
        case .answers(let answers):
            for answer in answers {
                record = try await run.resume(step: record.result().pendingHuman?.path, data: answer)
            }
        case .cancelled:
            run.cancel(reason: "no stock")
            record = try await run.finished()
        }
        await export.finish(within: .seconds(60))
        let spans = SpanBuilder.spans(of: record)
        #expect(spans.count > 2)
        #expect(Self.faults(of: spans) == [])
        let text = TraceDocument.json(spans, resource: settings.resource)
        let later = try Value(json: text)["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? []
        #expect(server.requests.flatMap(\.spans) == later)
    }

    @Test func `runs that another one follows on, and a fork, have spans without being named`() async throws {
        let server = FakeServer()
        let settings = try #require(try ExportSettings(otlp: "http://collector") { _ in nil })
        let engine = WorkflowEngine(workers: 2, clock: TickingClock())
        defer { engine.shutdown() }
        let export = TraceExport(settings, store: nil, http: server) { Issue.record("\($0)") }
        export.follow(engine)
        let workflow = try Workflow(id: "orders") { code in
            [.step("load", handler: code.inline { _, _ in 1 }), .step("send", handler: code.inline { _, _ in 2 })]
        }
        let source = try await engine.createRun(workflow, id: "run-1").run()
        let fork = try await engine.fork(source, of: workflow, at: .before("send"), id: "run-2").run
        let forked = try await fork.finished()
        await export.finish(within: .seconds(60))
        let later = SpanBuilder.spans(of: source) + SpanBuilder.spans(of: forked)
        let ids = server.requests.flatMap(\.spans).compactMap { $0["spanId"]?.string }
        #expect(ids.sorted() == later.map(\.id.hex).sorted())
    }

    /// As ``Swift/Array/faults``, for many spans.
    private static func faults(of spans: [Span]) -> [String] {
        let known = Dictionary(spans.map { ($0.id, $0) }) { first, _ in first }
        if known.count != spans.count { return ["an id is given twice"] }
        return spans.compactMap { span in
            guard let id = span.parent else { return nil }
            guard let parent = known[id] else { return "\(span.name): its parent is missing" }
            return span.start < parent.start || span.end > parent.end ? "\(span.name) is not within its parent" : nil
        }
    }
}
