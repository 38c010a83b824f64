internal import FlatValue
import Platform
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// What the model's first implementation gets wrong, and what is right: one test each, through the public interface.
@Suite("What others get wrong")
struct DefectTests {
    private static let approval = NodeDefinition.human(
        "approve",
        responseSchema: ["type": "object", "required": ["ok"], "properties": ["ok": ["type": "boolean"]]])

    @Test func `nested steps tell of their start and their end`() async throws {
        let workflow = try Workflow(id: "nested") { code in
            [
                .foreach(
                    "each", items: code.inline { input, _ in input },
                    body: [
                        .branch(
                            "choice", resolve: code.inline { _, _ in "only" },
                            cases: ["only": [.step("leaf", handler: code.inline { item, _ in item })]])
                    ])
            ]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            try run.start(input: [1, 2])
            let lines = await run.allEvents().lines
            for path in ["each[1]/choice/leaf", "each[2]/choice/leaf"] {
                #expect(lines.filter { $0 == "step:start " + path }.count == 1)
                #expect(lines.filter { $0 == "step:success " + path }.count == 1)
            }
        }
    }

    @Test func `a person's step in a foreach waits for a person, for each item`() async throws {
        let workflow = try Workflow(id: "approvals") { code in
            [.foreach("each", items: code.inline { input, _ in input }, body: [Self.approval])]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            var record = try await run.run(input: ["a", "b"])
            #expect(record.status == .waitingHuman)
            #expect(record.result().pending.map(\.path) == ["each[1]/approve"])
            record = try await run.resume(step: "each[1]/approve", data: ["ok": true])
            #expect(record.result().pending.map(\.path) == ["each[2]/approve"])
            record = try await run.resume(step: "each[2]/approve", data: ["ok": false])
            #expect(record.status == .success)
            #expect(record.output == [["ok": true], ["ok": false]])
        }
    }

    @Test func `a cancel is prompt, and is reported as a cancel only when the code has left`() async throws {
        let left = Counter()
        let workflow = try Workflow(id: "slow") { code in
            [
                .step(
                    "sleep",
                    handler: code.async { _, _ in
                        defer { left.increment() }
                        try await Task.sleep(for: .seconds(3600))
                        return .null
                    })
            ]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            try run.start()
            await run.reached("step:start")
            run.cancel(reason: "no longer wanted")
            let record = try await run.finished()
            #expect(left.value == 1)
            #expect(record.status == .cancelled)
            #expect(record.result().error?["reason"]?.string == "no longer wanted")
            #expect(record.result().snapshots(of: "sleep").map(\.status) == [.cancelled])
        }
    }

    @Test func `a run that waits for a person tells of its cancel`() async throws {
        let workflow = try Workflow(id: "waiting") { _ in [Self.approval] }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            _ = try await run.run()
            run.cancel(reason: "too late")
            let lines = await run.allEvents().lines
            #expect(lines.suffix(2) == ["step:cancelled approve", "workflow:cancelled"])
            let record = try await run.finished()
            #expect(record.status == .cancelled)
        }
    }

    @Test func `of two answers to one question one is taken, and what follows runs once`() async throws {
        let runs = Counter()
        let workflow = try Workflow(id: "double") { code in
            [
                Self.approval,
                .step(
                    "after",
                    handler: code.inline { answer, _ in
                        runs.increment()
                        return answer
                    }),
            ]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            _ = try await run.run()
            let outcomes = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 {
                    group.addTask { (try? await run.resume(data: ["ok": true])) != nil }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(outcomes == 1)
            #expect(runs.value == 1)
            let record = try await run.finished()
            #expect(record.result().snapshots(of: "after").count == 1)
        }
    }

    @Test func `a branch that fails fast stops its slow siblings at once`() async throws {
        let stopped = Counter()
        let begun = Gate()
        let workflow = try Workflow(id: "race") { code in
            [
                .parallel(
                    "both",
                    branches: [
                        "fails": [
                            .step(
                                "fail",
                                handler: code.async { _, _ in
                                    await begun.passed()
                                    throw StepError(message: "broken")
                                })
                        ],
                        "slow": [
                            .step(
                                "sleep",
                                handler: code.async { _, _ in
                                    begun.open()
                                    defer { stopped.increment() }
                                    try await Task.sleep(for: .seconds(3600))
                                    return .null
                                })
                        ],
                    ])
            ]
        }
        try await withEngine { engine in
            let record = try await engine.createRun(workflow).run()
            #expect(record.status == .failed)
            #expect(record.errorMessage?.contains("broken") == true)
            #expect(stopped.value == 1)
            #expect(record.result().snapshots(of: "sleep").map(\.status) == [.cancelled])
        }
    }

    @Test func `an item that fails stops the others, and no new one begins`() async throws {
        let begun = Counter()
        let bothRun = Gate()
        let workflow = try Workflow(id: "items") { code in
            [
                .foreach(
                    "each", items: code.inline { input, _ in input }, concurrency: 2,
                    body: [
                        .step(
                            "work",
                            handler: code.async { item, _ in
                                if begun.increment() == 2 { bothRun.open() }
                                await bothRun.passed()
                                if item.int == 1 { throw StepError(message: "item 1 is broken") }
                                try await Task.sleep(for: .seconds(3600))
                                return item
                            })
                    ])
            ]
        }
        try await withEngine { engine in
            let record = try await engine.createRun(workflow).run(input: [1, 2, 3, 4])
            #expect(record.status == .failed)
            #expect(record.errorMessage?.contains("item 1 is broken") == true)
            #expect(begun.value == 2)
            #expect(record.result().snapshots(of: "work").map(\.status) == [.failed, .cancelled])
        }
    }

    @Test func `a watcher that throws harms neither the run nor other watchers`() async throws {
        struct Broken: Error {}
        let seen = Counter()
        let workflow = try Workflow(id: "watched") { code in
            (1...5).map { .step("s\($0)", handler: code.inline { input, _ in input }) }
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            let broken = run.watch { _ in throw Broken() }
            let sound = run.watch { _ in seen.increment() }
            let record = try await run.run()
            #expect(record.status == .success)
            await broken.finished()
            await sound.finished()
            #expect(seen.value == 12)
        }
    }

    @Test func `what a step gave cannot be changed afterwards`() async throws {
        let workflow = try Workflow(id: "aliases") { code in
            [
                .step("make", handler: code.inline { _, _ in ["list": [1]] }),
                .step(
                    "grow",
                    handler: code.inline { input, _ in ["list": Value(array: (input["list"]?.array ?? []) + [2])] }),
            ]
        }
        try await withEngine { engine in
            let result = try await engine.createRun(workflow).run().result()
            #expect(result.snapshots(of: "make").first?.output == ["list": [1]])
            #expect(result.snapshots(of: "grow").first?.input == ["list": [1]])
            #expect(result.result == ["list": [1, 2]])
        }
    }

    @Test func `an error keeps its code, its message and its details in JSON`() async throws {
        let workflow = try Workflow(id: "failing") { code in
            [
                .step(
                    "fail",
                    handler: code.inline { _, _ in
                        throw StepError(code: "no_stock", message: "sold out", retryable: false, details: ["left": 0])
                    })
            ]
        }
        try await withEngine { engine in
            let record = try await engine.createRun(workflow).run()
            let parsed = try Value(json: record.result().json)
            #expect(parsed["error"]?["code"]?.string == "no_stock")
            #expect(parsed["error"]?["message"]?.string?.contains("sold out") == true)
            #expect(parsed["error"]?["details"] == ["left": 0])
        }
    }

    @Test func `a jump back does not go on for ever`() async throws {
        let workflow = try Workflow(id: "jumps") { code in
            [
                .step("first", handler: code.inline { input, _ in input }),
                .step(
                    "back", handler: code.inline { input, _ in input },
                    next: .chosen(by: code.inline { _, _ in "first" })),
            ]
        }
        try await withEngine { engine in
            let record = try await engine.createRun(workflow).run()
            #expect(record.status == .failed)
            #expect(record.errorMessage?.contains("10000") == true || record.errorMessage?.contains("10,000") == true)
        }
    }
}
