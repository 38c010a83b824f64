internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// What test bodies and the steps under test ask of the host: runs, stubs of HTTP, fixtures; the rest goes on to the
/// usual effects.
///
/// Requests come on the worker's thread, and everything here belongs to it.
final class TestEffects: HostGateway, @unchecked Sendable {
    private let path: String
    private let clock: TestClock
    private let live: TestedRuns
    private let http: TestHTTP
    private let models: TestModels
    private let mcp: TestMCP
    private let base: any HostGateway
    private var worker: Worker?
    private var tests: LoadedTests?
    private(set) var generation: Generation?
    private var runs: [NestedRun] = []
    /// Runs of the last body that stop others which they have started.
    private var ending: [Run] = []
    private var runNumber = 0
    private var title = ""
    /// Tells this execution of a test from all others of all tests, in what is sent of it.
    private var execution = ""
    private let export: (@Sendable ([Span]) -> Void)?
    private var coverage = Coverage()
    private let traceback = Mutex<String?>(nil)

    /// Where the code of a step was that was stopped in the body that ran last.
    var lastTraceback: String? { traceback.withLock { $0 } }

    init(
        path: String, clock: TestClock, live: TestedRuns, cassette: Cassette, base: any HostGateway,
        settings: TestSettings
    ) {
        self.path = path
        self.clock = clock
        self.live = live
        self.base = base
        export = settings.export
        mcp = TestMCP(path: path, records: settings.records)
        models = TestModels(clock: clock, path: path, records: settings.records)
        http = TestHTTP(cassette: cassette, base: base, records: settings.records)
    }

    func attach(_ tests: LoadedTests, _ worker: Worker) {
        self.tests = tests
        self.worker = worker
        let generation = Generation(id: "") { throw RunFailure(code: "not_here", message: "tests run on one worker") }
        worker.adopt(tests.executor, for: generation)
        self.generation = generation
        for plan in tests.loadedPlans { coverage.add(plan) }
    }

    func detach() -> (files: [String], coverage: Coverage) {
        let files = tests?.files ?? [path]
        if let generation { worker?.drop(generation) }
        runs = []
        ending = []
        live.removeAll()
        tests = nil
        generation = nil
        worker = nil
        return (files, coverage)
    }

    func beginTest(_ title: String) {
        self.title = title
        if export != nil { execution = RunIdentifier.make() }
        http.beginTest(title)
        models.beginTest()
        mcp.beginTest()
        runNumber = 0
    }

    /// The id of a run that a test begins: the same each time that the test runs.
    func nextRunID() -> String {
        runNumber += 1
        let digits = String(runNumber, radix: 16)
        return "00000000-0000-7000-8000-" + String(repeating: "0", count: max(12 - digits.count, 0)) + digits
    }

    /// Whether runs of the last body still stop others, whose ids runs of the next one may have.
    var isEnding: Bool {
        ending.removeAll { $0.machine.isOver }
        return !ending.isEmpty
    }

    /// Gives up the runs that the body left behind.
    func endBody() {
        traceback.withLock { $0 = nil }
        for nested in runs {
            coverage.note(nested.run.plan, nested.steps)
            export?(SpanValues.exported(nested.run, as: "\(title) #\(nested.number) \(execution)"))
            if live.wasStopped, let frames = nested.lastTraceback { traceback.withLock { $0 = frames } }
            nested.whenSettled = nil
            if !nested.run.machine.isOver {
                nested.run.askToCancel("the test is over")
                worker?.enqueue(nested.run)
                if !nested.run.machine.children.isEmpty { ending.append(nested.run) }
            }
            worker?.endChildren(of: nested.run.id, reason: "the test is over")
        }
        runs = []
        live.removeAll()
    }

    func begin(_ request: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        let payload = request.payload
        switch request.operation {
        case "test.start": return start(payload, answer)
        case "test.answer":
            return move(payload, answer) { worker, run in
                let frame = try worker.waitingFrame(of: run, at: payload["path"]?.string)
                try worker.reply(run, frame, payload["data"] ?? .null)
            }
        case "test.signal":
            return move(payload, answer) { worker, run in
                try worker.signal(run, payload["event"]?.string ?? "", payload["payload"] ?? .null)
            }
        case "test.hook":
            answer(
                planned(payload) { plan in TestTriggers.hook(payload, of: plan) { slot, value in call(slot, value) } })
        case "test.schedule":
            answer(planned(payload) { plan in TestTriggers.schedule(payload, of: plan, at: clock.now()) })
        case "test.wait": return move(payload, answer, nil)
        case "test.http":
            http.stub(payload)
            answer(.success(.null))
        case "test.model":
            answer(models.script(payload))
        case "test.model_requests": answer(.success(models.requests))
        case "model":
            if let cassette = models.recording(payload) {
                return base.begin(request) { reply in
                    let problem = cassette.record(payload, reply)
                    answer(problem.map { CassetteError($0).answer } ?? reply)
                }
            }
            answer(models.answer(payload, stream: request.stream) { [self] in tests?.call($0, $1) })
        case "test.mcp": answer(mcp.script(payload))
        case "test.mcp_requests": answer(.success(mcp.requests))
        case "mcp":
            return mcp.begin(
                payload, call: { [self] in tests?.call($0, $1) },
                base: { [base] reply in base.begin(request, answer: reply) }, answer: answer)
        case "test.requests": answer(.success(http.requests))
        case "test.spans":
            let number = payload["run"]?.int ?? 0
            let nested = runs.first { $0.number == number }
            answer(.success(nested.map { SpanValues.list($0.run) } ?? .emptyArray))
        case "test.fixture": answer(Fixture.read(payload.string ?? "", beside: path))
        case "http":
            return http.begin(request, answer: traced(payload, answer)) { [self] in tests?.call($0, $1) }
        case "http.open":
            return http.open(request, answer: traced(payload, answer)) { [self] in tests?.call($0, $1) }
        case "http.read", "http.close": answer(.success(http.read(payload["stream"]?.int ?? 0)))
        default: return base.begin(request, answer: answer)
        }
        return nil
    }

    /// Whether the clock may jump; where it would pass the end of a wait that the test can answer, the test is told first.
    /// Called on the worker's thread, with a lock of the engine's clock held.
    func mayPass(_ time: Int64) -> Bool {
        guard let worker, let nested = runs.first(where: { $0.waitsForTest(until: time) }) else { return true }
        worker.perform { _ in nested.tell() }
        return false
    }

    /// Adds the span of a request to an answer that no server gave.
    private func traced(
        _ payload: Value, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> @Sendable (HostAnswer) -> Void {
        let (start, clock) = (clock.now() / 1000, clock)
        return { answer(RequestTrace.tracing(payload, $0, start: start, end: clock.now() / 1000)) }
    }

    private func planned(_ payload: Value, _ body: (Plan) -> HostAnswer) -> HostAnswer {
        guard let plan = tests?.plan(payload["plan"]?.int ?? 0) else {
            return .failure(code: "unknown_plan", message: "there is no such workflow")
        }
        return body(plan)
    }

    private func call(_ slot: Int64, _ value: Value) -> HostAnswer {
        tests?.call(slot, value) ?? .failure(code: "over", message: "the test is over")
    }

    // MARK: Runs

    /// Begins a run of a plan: `{ plan, input, metadata?, ctx?, clock?, signals }`.
    private func start(_ payload: Value, _ answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        guard let worker, let generation, let plan = tests?.plan(payload["plan"]?.int ?? 0) else {
            answer(.failure(code: "unknown_plan", message: "there is no such workflow"))
            return nil
        }
        if let milliseconds = payload["clock"]?.int {
            let (time, isBeyond) = milliseconds.multipliedReportingOverflow(by: 1000)
            clock.set(isBeyond ? (milliseconds < 0 ? .min : .max) : time)
        }
        do {
            let run = try worker.makeRun(Workflow(plan: plan, generation: generation), id: nextRunID())
            let nested = NestedRun(
                number: Int64(runs.count + 1), run: run,
                mocked: (payload["mocked"]?.array ?? []).compactMap(\.string))
            runs.append(nested)
            live.add(run)
            let operation = wait(for: nested, answer)
            // A turn later the worker has seen the clock that was set.
            worker.perform { worker in
                // Nothing is carried out, and nothing told, before the signals are there.
                nested.isBeginning = true
                defer { nested.isBeginning = false }
                worker.begin(run, observer: nested, journaled: nil, budget: 0) { arena in
                    let ctx = Self.merged(payload["ctx"], over: plan.ctx)
                    let metadata = payload["metadata"] ?? plan.metadata
                    return (
                        arena.writing { $0.write(payload["input"] ?? .emptyObject) },
                        metadata.count == 0 ? .none : arena.writing { $0.write(metadata) },
                        ctx.count == 0 ? .none : arena.writing { $0.write(ctx) }
                    )
                }
                do {
                    let signals = run.machine.isOver ? [] : payload["signals"]?.array ?? []
                    for signal in signals where !run.machine.isOver {
                        try worker.signal(run, signal["event"]?.string ?? "", signal["payload"] ?? .null)
                    }
                    nested.isBeginning = false
                    if !signals.isEmpty {
                        nested.forgetNews()
                        worker.enqueue(run)
                    } else if nested.hasNews {
                        nested.tell()
                    }
                } catch {
                    guard nested.whenSettled != nil else { return }
                    nested.whenSettled = nil
                    worker.holdClock()
                    answer(.failure(code: "invalid_signal", message: "signals: \(error)"))
                }
            }
            return operation
        } catch {
            answer(.failure(code: "load_failed", message: "\(error)"))
            return nil
        }
    }

    private static func merged(_ over: Value?, over base: Value) -> Value {
        Value(entries: ((base.entries ?? []) + (over?.entries ?? [])).map { ($0.key, $0.value) })
    }

    /// Does something with a run that waits, or nothing, and answers when it next stands still.
    private func move(
        _ payload: Value, _ answer: @escaping @Sendable (HostAnswer) -> Void, _ body: ((Worker, Run) throws -> Void)?
    ) -> (any HostOperation)? {
        let number = payload["run"]?.int ?? 0
        guard let worker, let nested = runs.first(where: { $0.number == number }) else {
            answer(.failure(code: "over", message: "this run belongs to a test that is over"))
            return nil
        }
        do {
            if let body {
                try body(worker, nested.run)
                nested.forgetNews()
            } else if nested.hasNews {
                nested.forgetNews()
                answer(.success(nested.state))
                return nil
            } else {
                nested.letWaitsPass()
            }
            let operation = wait(for: nested, answer)
            worker.enqueue(nested.run)
            return operation
        } catch let failure as RunFailure {
            answer(.failure(code: failure.code, message: failure.message, details: failure.details))
        } catch {
            answer(.failure(code: "failed", message: "\(error)"))
        }
        return nil
    }

    /// Answers when the run stands still; until then the clock may jump.
    private func wait(
        for nested: NestedRun, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        guard let worker else { return nil }
        worker.releaseClock()
        nested.whenSettled = { state in
            worker.holdClock()
            answer(.success(state))
        }
        return WaitOperation {
            guard nested.whenSettled != nil else { return }
            nested.whenSettled = nil
            worker.holdClock()
            answer(.failure(code: "cancelled", message: "the test is over"))
        }
    }
}

/// A body's wait for a run; given up on the worker's thread.
private struct WaitOperation: HostOperation, @unchecked Sendable {
    let giveUp: () -> Void

    func cancel() { giveUp() }
}
