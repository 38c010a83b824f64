import FlatValue
import JSONSchema
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("Spans of a journal") struct SpanTests {
    @Test func `steps lie in the run, and a retry is a span of its own`() async throws {
        let all = try await spans { code in
            [
                .step("load", handler: code.inline { _, _ in 1 }),
                .step(
                    "send",
                    handler: code.inline { value, context in
                        if context.attempt < 3 { throw StepError(code: "busy", message: "try later") }
                        return value
                    }, retry: .init(maxAttempts: 3, initial: .milliseconds(1))),
            ]
        }
        #expect(
            all.lines == [
                "- > run ok", "run > load ok", "run > send error", "run > send#2 error", "run > send#3 ok",
            ])
        #expect(all.faults == [])
        let failed = try #require(all.named("send"))
        #expect(failed.text("error.type") == "busy")
        #expect(failed.text("langfuse.observation.level") == "ERROR")
        #expect(failed.text("langfuse.observation.status_message") == "try later")
        #expect(failed.events.map(\.name) == ["exception", "workflow.step.retry"])
        #expect(failed.id == SpanID(run: "run-1", path: "send", attempt: 1, occurrence: 1))
    }

    @Test func `what undoes a step is a span of the run`() async throws {
        let all = try await spans { code in
            [
                .step("book", handler: code.inline { _, _ in 1 }, compensate: code.inline { _, _ in .null }),
                .step("pay", handler: code.inline { _, _ in throw StepError(message: "no", retryable: false) }),
            ]
        }
        let undone = try #require(all.first { $0.name.hasSuffix(".book.compensate") })
        #expect(undone.status == .ok)
        #expect(undone.text("ai_kit.workflow.step.path") == "book")
        #expect(undone.parent == all.named("run")?.id)
        #expect(undone.id != all.named("book")?.id)
        #expect(all.faults == [])
    }

    @Test func `the run says what AI Kit, OpenTelemetry and Langfuse ask for`() async throws {
        let telemetry: Value = [
            "trace_name": "checkout", "metadata": ["team": "shop", "__proto__": "x"], "tags": ["a", "b"],
            "user_id": "u1", "session_id": "s1", "environment": "prod",
        ]
        let all = try await spans(telemetry: telemetry, input: ["n": 1]) { code in
            [.step("load", description: "Loads", handler: code.inline { _, _ in ["done": true] })]
        }
        let run = try #require(all.named("run"))
        #expect(run.name == "checkout")
        #expect(run.trace == TraceID(run: "run-1"))
        #expect(run.id == SpanID(run: "run-1", path: "", attempt: 1, occurrence: 1))
        let wanted = [
            "ai_kit.workflow.id": "orders", "ai_kit.workflow.run_id": "run-1", "ai_kit.workflow.user_id": "u1",
            "ai_kit.workflow.metadata.team": "shop", "ai_kit.workflow.input": #"{"n":1}"#,
            "ai_kit.workflow.output": #"{"done":true}"#, "name": "checkout", "metadata": #"{"team":"shop"}"#,
            "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "orders",
            "gen_ai.conversation.id": "s1", "langfuse.observation.type": "chain",
            "langfuse.observation.input": #"{"n":1}"#, "langfuse.observation.output": #"{"done":true}"#,
        ]
        for (key, value) in wanted { #expect(run.text(key) == value, "\(key)") }
        let step = try #require(all.named("load"))
        #expect(step.name == "checkout.step.load")
        let ofStep = [
            "ai_kit.workflow.step.id": "load", "ai_kit.workflow.step.kind": "automatic",
            "ai_kit.workflow.step.description": "Loads", "langfuse.observation.type": "span",
        ]
        for (key, value) in ofStep { #expect(step.text(key) == value, "\(key)") }
        let everywhere = [
            "langfuse.trace.name": "checkout", "langfuse.user.id": "u1", "user.id": "u1",
            "langfuse.session.id": "s1", "session.id": "s1", "langfuse.trace.metadata.team": "shop",
            "langfuse.environment": "prod", "langfuse.observation.level": "DEFAULT",
        ]
        for span in all {
            for (key, value) in everywhere { #expect(span.text(key) == value, "\(key) of \(span.name)") }
            #expect(span.attributes["langfuse.trace.tags"] == .strings(["a", "b"]))
            #expect(!span.attributes.items.contains { $0.key.hasSuffix("__proto__") })
        }
    }

    @Test func `a branch lasts as long as its case`() async throws {
        let all = try await spans { code in
            [
                .branch(
                    "risk", resolve: code.inline { _, _ in "high" },
                    cases: [
                        "high": [
                            .step("check", handler: code.inline { _, _ in 1 }),
                            .step("sign", handler: code.inline { _, _ in ["signed": true] }),
                        ], "low": [.step("pass", handler: code.inline { _, _ in 2 })],
                    ]),
                .step("end", handler: code.inline { value, _ in value }),
            ]
        }
        #expect(
            all.lines == [
                "- > run ok", "run > risk ok", "risk > risk/check ok", "risk > risk/sign ok", "run > end ok",
            ])
        #expect(all.faults == [])
        let branch = try #require(all.named("risk"))
        #expect(branch.text("ai_kit.workflow.step.branch_id") == "high")
        #expect(branch.text("langfuse.observation.output") == #"{"signed":true}"#)
        #expect(branch.text("langfuse.observation.type") == "chain")
    }

    @Test func `a branch within a branch fails with its case`() async throws {
        let all = try await spans { code in
            [
                .branch(
                    "outer", resolve: code.inline { _, _ in "a" },
                    cases: [
                        "a": [
                            .branch(
                                "inner", resolve: code.inline { _, _ in "b" },
                                cases: [
                                    "b": [
                                        .step(
                                            "break", handler: code.inline { _, _ in throw StepError(message: "broken") }
                                        )
                                    ]
                                ])
                        ]
                    ])
            ]
        }
        #expect(
            all.lines == [
                "- > run error", "run > outer error", "outer > outer/inner error",
                "outer/inner > outer/inner/break error",
            ])
        #expect(all.faults == [])
    }

    @Test func `items, turns and parallel branches lie in their construct`() async throws {
        let all = try await spans { code in
            [
                .foreach(
                    "each", items: code.inline { _, _ in [1, 2] },
                    body: [.step("item", handler: code.inline { value, _ in value })]),
                .loop(
                    "turns", condition: code.inline { _, context in Value((context.iteration ?? 1) <= 2) },
                    body: [.step("turn", handler: code.inline { value, _ in value })]),
                .parallel(
                    "both",
                    branches: [
                        "a": [.step("one", handler: code.inline { _, _ in 1 })],
                        "b": [.step("two", handler: code.inline { _, _ in 2 })],
                    ]),
            ]
        }
        #expect(all.faults == [])
        #expect(
            Set(all.lines) == [
                "- > run ok", "run > each ok", "each > each[1]/item ok", "each > each[2]/item ok", "run > turns ok",
                "turns > turns[1]/turn ok", "turns > turns[2]/turn ok", "run > both ok", "both > both[a]/one ok",
                "both > both[b]/two ok",
            ])
        let branch = try #require(all.named("both[b]/two"))
        #expect(branch.text("ai_kit.workflow.step.parallel_group_id") == "both")
        #expect(branch.text("ai_kit.workflow.step.parallel_branch_id") == "b")
        #expect(all.named("each[2]/item")?.attributes["ai_kit.workflow.step.occurrence"] == .int(2))
    }

    @Test func `a wait for a person ends the stretch, and the next one is linked to it`() async throws {
        let waiting = try await spans { code in
            [
                .step("draft", handler: code.inline { _, _ in 1 }), .human("approve"),
                .step("send", handler: code.inline { value, _ in value }),
            ]
        }
        #expect(waiting.lines == ["- > run waiting_human", "run > draft ok", "run > approve waiting_human"])
        let answered = try await spans(answers: [["ok": true]]) { code in
            [
                .step("draft", handler: code.inline { _, _ in 1 }), .human("approve"),
                .step("send", handler: code.inline { value, _ in value }),
            ]
        }
        #expect(answered.faults == [])
        #expect(Set(answered.map(\.trace)).count == 1)
        let roots = answered.filter { $0.parent == nil }.sorted { $0.start < $1.start }
        try #require(roots.count == 2)
        #expect(roots[1].links.map(\.span) == [roots[0].id])
        #expect(roots[1].id == SpanID(run: "run-1", path: "", attempt: 1, occurrence: 2))
        let parts = answered.filter { $0.shortName == "approve" }.sorted { $0.start < $1.start }
        try #require(parts.count == 2)
        #expect(parts[0].parent == roots[0].id && parts[1].parent == roots[1].id)
        #expect(parts[1].links.map(\.span) == [parts[0].id])
        #expect(parts[1].id == SpanID(run: "run-1", path: "approve", attempt: 1, occurrence: 1, stretch: 2))
        #expect(parts.map { $0.text("ai_kit.workflow.step.kind") } == ["human", "human"])
        #expect(answered.named("send")?.parent == roots[1].id)
    }

    @Test func `a wait deep in constructs cuts what is around it as well`() async throws {
        let all = try await spans(answers: [1, 2]) { code in
            [
                .foreach(
                    "each", items: code.inline { _, _ in [1, 2] }, concurrency: 2,
                    body: [.human("ask"), .step("note", handler: code.inline { value, _ in value })])
            ]
        }
        #expect(all.faults == [])
        #expect(all.filter { $0.parent == nil }.count == 3)
        #expect(all.filter { $0.shortName == "each" }.count == 3)
        #expect(all.filter { $0.shortName == "each[1]/note" }.count == 1)
    }

    @Test func `only a wait that is long ends the stretch`() async throws {
        let short = try await spans { _ in [.delay("rest", .fixed(.seconds(1)))] }
        #expect(short.lines == ["- > run ok", "run > rest ok"])
        let long = try await spans { _ in [.delay("rest", .fixed(.seconds(86_400)))] }
        #expect(long.lines == ["- > run waiting", "run > rest waiting", "- > run ok", "run > rest ok"])
        #expect(long.faults == [])
    }

    @Test func `a cancelled run says so, and so does what it cancels`() async throws {
        let engine = WorkflowEngine(workers: 1, clock: TickingClock())
        defer { engine.shutdown() }
        let run = engine.createRun(
            try Workflow(id: "orders") { _ in [.waitFor("wait", event: "go")] }, id: "run-1")
        _ = try await run.run()
        run.cancel(reason: "no stock")
        let all = SpanBuilder.spans(of: try await run.finished())
        #expect(all.faults == [])
        #expect(
            all.lines == ["- > run waiting", "run > wait waiting", "- > run cancelled", "run > wait cancelled"])
        let last = try #require(all.last)
        #expect(last.text("langfuse.observation.status_message") == "no stock")
    }

    @Test func `a run that telemetry is switched off for has no spans`() async throws {
        let all = try await spans(telemetry: false) { code in [.step("load", handler: code.inline { _, _ in 1 })] }
        #expect(all.isEmpty)
    }

    @Test func `inputs and outputs are kept out unless telemetry is asked for`() async throws {
        func texts(_ telemetry: Value?) async throws -> [String] {
            let all = try await spans(telemetry: telemetry, input: ["pin": "hush-hush"]) { code in
                [.step("load", handler: code.inline { value, _ in value })]
            }
            return all.flatMap { $0.attributes.items.map(\.key) }.filter { $0.hasSuffix("put") }
        }
        #expect(try await texts(nil).isEmpty)
        #expect(try await !texts(true).isEmpty)
        #expect(try await texts(["record_inputs": false, "record_outputs": false]).isEmpty)
        #expect(try await texts(["record_outputs": false]).allSatisfy { $0.hasSuffix("input") })
    }

    @Test func `a secret of a schema is taken out everywhere`() async throws {
        let schema: Value = [
            "type": "object", "properties": ["key": ["type": "string", "writeOnly": true], "n": ["type": "integer"]],
        ]
        let all = try await spans(input: ["key": "tops3cret", "n": 7]) { code in
            [
                .step("take", handler: code.inline { value, _ in value }, inputSchema: schema),
                .step(
                    "leak",
                    handler: code.inline { value, context in
                        let key = value["key"]?.string ?? ""
                        context.emit(type: "told \(key)", data: ["text": Value("it is \(key)")])
                        context.setAttributes(["key \(key)": Value(key)])
                        throw StepError(code: "no_\(key)", message: "cannot use \(key)")
                    }),
            ]
        }
        let later = all.filter { $0.shortName != "run" }
        let text = TraceDocument.json(later, resource: [:])
        #expect(!text.contains("tops3cret"))
        #expect(text.contains("[secret]"))
        #expect(text.contains(#"\"n\":7"#))
    }

    @Test func `a secret of a schema is taken out of what a run says of its trace`() async throws {
        let schema: Value = ["type": "object", "properties": ["key": ["type": "string", "writeOnly": true]]]
        let long = String(repeating: "x", count: 990) + "tops3cret"
        let all = try await spans(
            telemetry: [
                "trace_name": "for tops3cret", "user_id": "tops3cret", "session_id": "s-tops3cret",
                "environment": Value(long),
                "tags": ["tops3cret"], "metadata": ["a": "is tops3cret", "tops3cret": ["deep": "tops3cret"]],
            ], input: ["key": "tops3cret"]
        ) { code in
            [
                .step("take", handler: code.inline { value, _ in value }, inputSchema: schema),
                .step("next", handler: code.inline { _, _ in 1 }),
            ]
        }
        #expect(all.count == 3)
        let text = TraceDocument.json(all, resource: [:])
        #expect(!text.contains("tops"))
        #expect(all.named("run")?.text("langfuse.trace.metadata.a") == "is [secret]")
        #expect(all.named("next")?.name == "for [secret].step.next")
    }

    @Test func `a name is cut when its secrets have been taken out`() throws {
        let plan = try DefinitionReader.plan(
            from: WorkflowDefinition(id: "orders", nodes: [.step("a", handler: 1)]).value)
        var redaction = Redaction()
        redaction.learn("tops3cret", try Schema(["type": "string", "writeOnly": true]))
        let name = String(repeating: "x", count: 983) + "tops3cret and more"
        let made = try #require(MadeSpan(["name": Value(name), "index": 1, "start": 1, "end": 2]))
        let step = Span(
            trace: TraceID(run: "run-1"), id: SpanID(run: "run-1", path: "a", attempt: 1, occurrence: 1), name: "a",
            start: 1000, end: 2000)
        let writer = SpanWriter(
            template: SpanTemplate(plan, runID: "run-1", settings: TraceSettings(), redaction: redaction),
            redaction: redaction, now: 2000, isFull: true)
        let span = try #require(MadeSpan.spans([made], in: step, writer).first)
        #expect(span.name.utf8.count <= 1000)
        #expect(!span.name.contains("tops"))
    }

    @Test func `a run goes on in the trace of whoever asked for it`() async throws {
        let parent = try #require(TraceParent("00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01"))
        let engine = WorkflowEngine(workers: 1, clock: TickingClock())
        defer { engine.shutdown() }
        let run = engine.createRun(
            try Workflow(id: "orders") { code in [.step("load", handler: code.inline { _, _ in 1 })] }, id: "run-1")
        try run.start(input: [:], metadata: nil, ctx: nil, trace: ["traceparent": Value(parent.text)])
        let all = SpanBuilder.spans(of: try await run.finished())
        #expect(Set(all.map(\.trace)) == [parent.trace])
        #expect(all.named("run")?.parent == parent.span)
    }

    @Test func `an input that is refused is a run that failed`() async throws {
        let engine = WorkflowEngine(workers: 1, clock: TickingClock())
        defer { engine.shutdown() }
        let workflow = try Workflow(id: "orders", inputSchema: ["type": "string"]) { code in
            [.step("load", handler: code.inline { _, _ in 1 })]
        }
        let all = SpanBuilder.spans(of: try await engine.createRun(workflow, id: "run-1").run(input: 1))
        #expect(all.lines == ["- > run error"])
    }

    @Test func `what a step says of itself is in its span`() async throws {
        let all = try await spans { code in
            [
                .step(
                    "load",
                    handler: code.inline { _, context in
                        context.setAttributes(["customer": "Ada", "items": 3, "__proto__": 1])
                        return 1
                    })
            ]
        }
        let step = try #require(all.named("load"))
        #expect(step.text("customer") == "Ada")
        #expect(step.attributes["items"] == .int(3))
        #expect(step.attributes["__proto__"] == nil)
    }

    @Test func `spans of a script lie in its step, in each other, and within its time`() throws {
        let record: Value = ["name": "tax", "index": 2, "parent": 1, "start": 900, "end": 1500, "error": "none"]
        let outer: Value = ["name": "price", "index": 1, "start": 1100, "end": 1400, "attributes": ["n": 1]]
        let lost: Value = ["name": "lost", "index": 4, "parent": 3, "start": 1200, "end": 1300]
        let made = try [record, outer, lost].map { try #require(MadeSpan($0)) }
        let step = Span(
            trace: TraceID(run: "run-1"), id: SpanID(run: "run-1", path: "a", attempt: 1, occurrence: 1), name: "a",
            start: 1_000_000, end: 1_400_000)
        let plan = try DefinitionReader.plan(
            from: WorkflowDefinition(id: "orders", nodes: [.step("a", handler: 1)]).value)
        let writer = SpanWriter(
            template: SpanTemplate(plan, runID: "run-1", settings: TraceSettings(), redaction: Redaction()),
            redaction: Redaction(), now: 1_400_000, isFull: true)
        let all = MadeSpan.spans(made, in: step, writer)
        #expect((all + [step]).faults == [])
        #expect(all.map(\.parent) == [all[1].id, step.id, step.id])
        #expect(all[0].status == .error("none"))
        #expect(all[1].attributes["n"] == .int(1))
        #expect(MadeSpan(["name": "x", "index": 1, "start": "a", "end": 1])?.index == nil)
        // Requests lie where the journal says, and where it says nothing in what was open all the while.
        func request(_ parent: Value?) throws -> MadeSpan {
            var entries: [(String, Value)] = [
                ("name", "GET"), ("start", 1200), ("end", 1300), ("http", ["method": "GET"]),
            ]
            if let parent { entries.append(("parent", parent)) }
            return try #require(MadeSpan(http: Value(entries: entries), index: -1))
        }
        for (parent, id) in [(0, step.id), (1, all[1].id), (nil, all[2].id), (9, step.id)] as [(Value?, SpanID)] {
            #expect(MadeSpan.spans(made + [try request(parent)], in: step, writer).last?.parent == id)
        }
    }
}
