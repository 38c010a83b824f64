import FlatValue
import JSONSchema
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("Secrets in what spans say of requests and models") struct SecretSpanTests {
    private static let secret = "hush-4711-hush"

    /// What spans of a run say that knows of the secret, for records of the journal that have it wherever a script may put it.
    private func said(_ made: MadeSpan) throws -> Span {
        var redaction = Redaction()
        redaction.learn(Value(Self.secret), try Schema(["writeOnly": true]))
        let plan = try DefinitionReader.plan(
            from: WorkflowDefinition(id: "orders", nodes: [.step("a", handler: 1)]).value)
        let writer = SpanWriter(
            template: SpanTemplate(plan, runID: "run-1", settings: TraceSettings(), redaction: redaction),
            redaction: redaction, now: 2000, isFull: true)
        let step = Span(
            trace: TraceID(run: "run-1"), id: SpanID(run: "run-1", path: "a", attempt: 1, occurrence: 1), name: "a",
            start: 1000, end: 2000)
        return try #require(MadeSpan.spans([made], in: step, writer).first)
    }

    @Test func `the call of a model`() throws {
        let text = Value("a \(Self.secret) b")
        let record: Value = [
            "model": text, "provider": text, "operation": text, "serverAddress": text, "startedAt": 1, "endedAt": 2,
            "responseModel": text, "responseId": text, "finishReason": text, "parameters": ["user": text],
            "input": [text], "output": text,
        ]
        let made = try #require(MadeSpan(model: record, index: -1, failure: ["code": text, "message": text]))
        let shown = TraceDocument.json([try said(made)], resource: [:])
        #expect(!shown.contains(Self.secret) && shown.contains("[secret]"), "\(shown)")
    }

    @Test func `a request`() throws {
        let text = Value("a \(Self.secret) b")
        let record: Value = [
            "name": text, "start": 1, "end": 2, "http": ["method": text, "url": text, "host": text],
            "error": ["code": text, "message": text],
        ]
        let shown = TraceDocument.json([try said(try #require(MadeSpan(http: record, index: -1)))], resource: [:])
        #expect(!shown.contains(Self.secret) && shown.contains("[secret]"), "\(shown)")
    }

    @Test(
        arguments: [
            "http://a/%68ush-4711-hush/x", "http://a/?q=h%75s%68-47%311-hus%68&b=1", "http://a/hush%2d4711%2Dhush",
            "http://a/hush%2d4711%2Dhus",
        ]) func `a secret in a URL, whichever of its bytes are escaped`(url: String) throws
    {
        let record: Value = [
            "name": "GET", "start": 1, "end": 2, "http": ["method": "GET", "url": Value(url), "host": "a"],
        ]
        let shown = try said(try #require(MadeSpan(http: record, index: -1))).text(Names.requestURL) ?? ""
        #expect(shown.contains("[secret]") && !shown.contains("4711") && !shown.contains("%311"), "\(shown)")
    }

    @Test func `which case a secret chose`() async throws {
        let schema: Value = ["type": "object", "properties": ["way": ["type": "string", "writeOnly": true]]]
        let secret = Self.secret
        let all = try await spans(input: ["way": Value(secret)]) { code in
            [
                .step("load", handler: code.inline { value, _ in value }, inputSchema: schema),
                .branch(
                    "way", resolve: code.inline { value, _ in value["way"] ?? .null },
                    cases: [secret: [.step(secret + "-step", handler: code.inline { value, _ in value })]]),
            ]
        }
        let way = try #require(all.named("way"))
        #expect(way.text(Names.stepBranchID) == "[secret]")
        #expect(way.text(Names.stepNext)?.contains(secret) == false)
    }

    @Test func `parameters of a model are bounded, and so are their names`() throws {
        let many = (0..<5000).map { ("\($0)" + String(repeating: "k", count: 2000), Value(1)) }
        let record: Value = ["model": "m", "startedAt": 1, "endedAt": 2, "parameters": Value(entries: many)]
        let span = try said(try #require(MadeSpan(model: record, index: -1)))
        #expect(span.attributes.items.count < 200)
        #expect(span.attributes.items.allSatisfy { $0.key.utf8.count <= 1100 })
    }

    private static let token: Value = [
        "type": "object", "properties": ["token": ["type": "string", "writeOnly": true]],
    ]

    /// All that the spans of a workflow say whose first step gives a secret, and whose own schema has none.
    private func told(
        outputSchema: Value? = nil, output: Value = ["token": Value(secret)],
        _ behind: (inout StepHandlers) -> [NodeDefinition] = { _ in [] }
    ) async throws -> String {
        let engine = WorkflowEngine(workers: 1, clock: TickingClock())
        defer { engine.shutdown() }
        let workflow = try Workflow(id: "orders", outputSchema: outputSchema) { code in
            [.step("pre", handler: code.inline { _, _ in output })] + behind(&code)
        }
        let run = engine.createRun(workflow, id: "run-1")
        try run.start(input: [:], metadata: nil, ctx: nil, trace: ["telemetry": ["record_inputs": true]])
        let spans = SpanBuilder.spans(of: try await run.settled())
        #expect(spans.named("pre")?.text(Names.stepOutput) != nil)
        return TraceDocument.json(spans, resource: [:])
    }

    @Test func `what the workflow's output is checked by holds for the step that gives it`() async throws {
        let right = try await told(outputSchema: Self.token)
        #expect(!right.contains(Self.secret) && right.contains("[secret]"))
        let refused = try await told(outputSchema: [
            "type": "object", "required": ["name"], "properties": ["token": ["type": "string", "writeOnly": true]],
        ])
        #expect(!refused.contains(Self.secret) && refused.contains("[secret]"))
    }

    @Test func `what the input of the next step is checked by holds for the step before it`() async throws {
        let next = try await told { code in
            [.step("next", handler: code.inline { value, _ in value }, inputSchema: Self.token)]
        }
        #expect(!next.contains(Self.secret) && next.contains("[secret]"))
        let inBranch = try await told { code in
            [
                .branch(
                    "way", resolve: code.inline { _, _ in "a" },
                    cases: ["a": [.step("next", handler: code.inline { value, _ in value }, inputSchema: Self.token)]])
            ]
        }
        #expect(!inBranch.contains(Self.secret))
    }
}
