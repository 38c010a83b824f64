internal import FlatValue
internal import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Where the tests of one file run: an engine with one worker, a clock that jumps, and one VM.
///
/// The VM holds the test file, the workflows that it requires and the library of tests, so a mock is a function like any
/// other: workflow steps and test bodies are both slots of the same VM. Each function of the file (a test, a hook) runs as
/// the one step of a run of its own. What it asks of the library (`test.run`, `step:run`) is a request to the host, like
/// `aikit.http`; ``TestEffects`` begins another run on the same worker and answers when that one has settled. While a body
/// waits for a run the clock may jump, so a delay of 30 days takes no time; otherwise it stands still.
///
/// There is one bench a file, so files run beside each other, and nothing leaks from one into another.
final class TestBench: Sendable {
    /// The time at which each test begins: 2025-01-01, 00:00 UTC, in microseconds since 1970.
    static let startOfTime: Int64 = 1_735_689_600_000_000

    let effects: TestEffects
    private let clock: TestClock
    private let engine: WorkflowEngine
    private let path: String
    /// The code that runs now, to be stopped when its time is over: the body first, then the runs that it began.
    let live: TestedRuns
    private let loading = Mutex(Loading())

    /// The file's top level, while it runs.
    private struct Loading {
        var interrupter: (any CallInterrupter)?
        var isOver = false
    }

    init(path: String, settings: TestSettings, cassette: Cassette) {
        self.path = path
        let clock = TestClock(startingAt: Self.startOfTime)
        let live = TestedRuns()
        let effects = TestEffects(
            path: path, clock: clock, live: live, cassette: cassette, base: settings.makeEffects(), settings: settings)
        self.clock = clock
        self.live = live
        self.effects = effects
        engine = WorkflowEngine(workers: 1, clock: clock, host: effects, journal: nil, log: settings.log)
        clock.onJump { [weak effects] time in effects?.mayPass(time) ?? true }
    }

    /// How often it is looked whether runs have ended, which takes a second at most.
    private static let patience = 500

    private var worker: Worker { engine.workers[0] }

    /// Loads the file; the tree of its tests. Cancelling the task stops the file's top level, wherever it loops.
    func load(folders: [String], settings: TestSettings) async throws(ScriptError) -> TestTree {
        let options = LuaScriptOptions(print: settings.print, log: settings.log)
        let result: Result<TestTree, ScriptError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                worker.perform { [self] worker in
                    worker.holdClock()
                    do throws(ScriptError) {
                        let tests = try LoadedTests(path: path, folders: folders, clock: clock, options: options) {
                            interrupter in
                            loading.withLock { $0.interrupter = interrupter }
                        }
                        effects.attach(tests, worker)
                        if let generation = effects.generation {
                            engine.adopt(TestCatalog(tests.loadedPlans, on: generation))
                        }
                        continuation.resume(returning: .success(TestTree(tests.suite)))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            }
        } onCancel: {
            stopLoading()
        }
        loading.withLock { $0.isOver = true }
        return try result.get()
    }

    private func stopLoading() {
        Task {
            // Code that has not begun yet cannot be stopped, so it is tried again.
            while true {
                let isOver = loading.withLock { loading in
                    loading.interrupter?.interruptAny()
                    return loading.isOver
                }
                if isOver { return }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// Begins a test: the time is that of the beginning, and no stub of another test is left.
    ///
    /// The runs that the test before has started are over by then, unless they take too long for that.
    func beginTest(_ title: String) async {
        for _ in 0..<Self.patience {
            let isEnding = await withCheckedContinuation { continuation in
                worker.perform { [effects] _ in continuation.resume(returning: effects.isEnding) }
            }
            if !isEnding { break }
            try? await Task.sleep(for: .milliseconds(2))
        }
        await withCheckedContinuation { continuation in
            worker.perform { [effects, clock] worker in
                clock.set(Self.startOfTime)
                // Chance is the same each time that a test runs.
                worker.seed(title.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
                effects.beginTest(title)
                continuation.resume()
            }
        }
    }

    /// Runs a function of the file to its end; the error that it ended with, or nil.
    func call(_ slot: CallbackSlot) async -> Value? {
        await withCheckedContinuation { continuation in
            worker.perform { [effects, live] worker in
                guard let generation = effects.generation else { return continuation.resume(returning: nil) }
                let workflow = Workflow(plan: .calling(slot), generation: generation)
                do {
                    let run = try worker.makeRun(workflow, id: effects.nextRunID())
                    live.add(run)
                    worker.releaseClock()
                    let body = BodyRun { [weak effects] record in
                        worker.holdClock()
                        effects?.endBody()
                        continuation.resume(returning: record.result().error)
                    }
                    worker.begin(run, observer: body, journaled: nil) { arena in
                        (arena.writing { $0.writeNull() }, .none, .none)
                    }
                } catch {
                    continuation.resume(returning: ["code": "load_failed", "message": Value("\(error)")])
                }
            }
        }
    }

    /// Stops what runs now, wherever it loops; the body ends with an error.
    func stop() {
        let runs = live.stop()
        for run in runs where run.executor.interrupter.interrupt(run.token) { break }
        worker.perform { worker in
            for run in runs {
                run.askToCancel("the test took too long")
                worker.enqueue(run)
            }
        }
    }

    /// What the file and its tests have loaded and run; the VM is gone afterwards.
    func close() async -> (files: [String], coverage: Coverage) {
        let result: (files: [String], coverage: Coverage) = await withCheckedContinuation { continuation in
            worker.perform { [effects] _ in continuation.resume(returning: effects.detach()) }
        }
        engine.shutdown()
        return result
    }
}

/// Tells when a body is over.
private final class BodyRun: RunObserver {
    private let finish: (RunRecord) -> Void

    init(_ finish: @escaping (RunRecord) -> Void) { self.finish = finish }

    func runSettled(_ run: Run) { if run.machine.isOver { finish(RunRecord(copying: run)) } }
    func runAdvanced(_ run: Run, from first: Int) {}
    func runLost(_ run: Run, _ error: JournalError) {}
}

/// The runs that are under way, by which the one whose code runs can be stopped from any thread.
final class TestedRuns: Sendable {
    private let state = Mutex<(runs: [Run], wasStopped: Bool)>(([], false))

    /// Whether ``stop()`` was called while these runs were under way.
    var wasStopped: Bool { state.withLock(\.wasStopped) }

    func add(_ run: Run) { state.withLock { $0.runs.append(run) } }

    /// Forgets the runs; a body begins with none.
    func removeAll() { state.withLock { $0 = ([], false) } }

    /// Notes that the runs are to be stopped; those that there are.
    func stop() -> [Run] {
        state.withLock { state in
            state.wasStopped = !state.runs.isEmpty
            return state.runs
        }
    }
}
