internal import FlatValue
import Platform
internal import Synchronization
internal import Testing
internal import WorkflowCore

@testable import WorkflowEngine

@Suite("Runs that do not succeed are undone")
struct CompensationTests {
    /// What was called, from any thread.
    private final class Record: Sendable {
        private let all = Mutex<[String]>([])
        var lines: [String] { all.withLock { $0 } }
        func note(_ line: String) { all.withLock { $0.append(line) } }
    }

    @Test func `what undoes a step gets its output and input, and a key of its own`() async throws {
        let record = Record()
        let workflow = try Workflow(id: "saga") { code in
            let undo = code.async { output, context in
                record.note("\(context.path) \(output.json) \(context.input.json) \(context.idempotencyKey)")
                return .null
            }
            return [
                .step("reserve", handler: code.inline { _, _ in ["seat": 7] }, compensate: undo),
                .step("pay", handler: code.inline { _, _ in throw StepError(message: "no money", retryable: false) }),
            ]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow, id: "r1")
            let outcome = try await run.run(input: ["n": 1])
            #expect(outcome.status == .failed)
            #expect(outcome.errorMessage == "no money")
            #expect(record.lines == [#"reserve {"seat":7} {"n":1} r1/reserve#1/compensate"#])
            #expect(outcome.result().error?["compensation"]?["undone"] == ["reserve"])
        }
    }

    @Test func `nothing stops what undoes a run that was cancelled`() async throws {
        let (begun, gate) = (Gate(), Gate())
        let record = Record()
        let workflow = try Workflow(id: "saga") { code in
            let undo = code.async { _, _ in
                begun.open()
                await gate.passed()
                record.note(Task.isCancelled ? "stopped" : "undone")
                return .null
            }
            return [
                .step("reserve", handler: code.inline { _, _ in 1 }, compensate: undo),
                .waitFor("paid", event: "payment"),
            ]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            try run.start()
            await run.reached("step:waiting")
            run.cancel(reason: "no more")
            await begun.passed()
            run.cancel(reason: "again")
            gate.open()
            let outcome = try await run.finished()
            #expect(outcome.status == .cancelled)
            #expect(outcome.result().error?["reason"] == "no more")
            #expect(record.lines == ["undone"])
        }
    }

    @Test func `completion handlers are called once the end is decided, and are tried again`() async throws {
        let record = Record()
        let attempts = Counter()
        func workflow(failing: Bool) throws -> Workflow {
            var code = StepHandlers()
            let work = code.inline { _, _ in
                if failing { throw StepError(message: "no", retryable: false) }
                return 3
            }
            let success = code.inline { output, _ in
                if attempts.increment() < 2 { throw StepError(message: "not yet") }
                record.note("success \(output.json)")
                return .null
            }
            let failure = code.inline { error, _ in
                record.note("failure \(error["message"]?.string ?? "")")
                return .null
            }
            return try Workflow(
                WorkflowDefinition(
                    id: "told", onSuccess: success, onFailure: failure, nodes: [.step("work", handler: work)]),
                handlers: code)
        }
        try await withEngine(clock: VirtualClock()) { engine in
            let good = try await engine.createRun(try workflow(failing: false)).run()
            #expect(good.output == 3)
            let bad = try await engine.createRun(try workflow(failing: true)).run()
            #expect(bad.status == .failed)
        }
        #expect(record.lines == ["success 3", "failure no"])
    }

    @Test func `a run that has become too large is undone all the same`() async throws {
        let record = Record()
        let workflow = try Workflow(id: "large") { code in
            let undo = code.inline { _, context in
                record.note(context.path)
                return .null
            }
            return [
                .step("small", handler: code.inline { _, _ in 1 }, compensate: undo),
                .step("large", handler: code.inline { _, _ in Value(String(repeating: "x", count: 1 << 20)) }),
            ]
        }
        var limits = EngineLimits()
        limits.runSize = 1 << 20
        let engine = WorkflowEngine(workers: 1, limits: limits)
        defer { engine.shutdown() }
        let outcome = try await engine.createRun(workflow).run()
        #expect(outcome.errorCode == "run_too_large")
        #expect(record.lines == ["small"])
    }
}
