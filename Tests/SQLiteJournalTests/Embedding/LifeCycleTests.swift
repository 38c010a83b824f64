#if os(Linux)
    internal import FlatValue
    internal import Foundation
    internal import Platform
    internal import SQLiteJournal
    internal import Testing
    internal import WorkflowCore
    internal import WorkflowEngine

    @Suite("Engines that begin and end")
    struct LifeCycleTests {
        /// In a process of its own, whose threads and files nobody else opens. `AIKIT_LIFE_CYCLES` says how often.
        @Test func `an engine, its store and its watchers end under load, and leave nothing behind`() async throws {
            await #expect(processExitsWith: .success) {
                let cycles = ProcessInfo.processInfo.environment["AIKIT_LIFE_CYCLES"].flatMap { Int($0) } ?? 60
                let workflow = try LifeCycle.workflow()
                // What is made once for the process is there after the first ones.
                for _ in 0..<20 { try await LifeCycle.once(workflow) }
                let before = await LifeCycle.Holdings.settled { _ in true }
                for _ in 0..<cycles { try await LifeCycle.once(workflow) }
                let after = await LifeCycle.Holdings.settled {
                    $0.threads <= before.threads && $0.descriptors <= before.descriptors
                }
                print("\(cycles) cycles: from \(before) to \(after)")
                guard after.threads <= before.threads, after.descriptors <= before.descriptors,
                    after.bytes - before.bytes < 8 << 20
                else { exit(1) }
            }
        }
    }

    private enum LifeCycle {
        static func workflow() throws -> Workflow {
            try Workflow(id: "load") { code in
                [
                    .step("one", handler: code.inline { input, _ in input }),
                    .step(
                        "two",
                        handler: code.async { input, _ in
                            try await Task.sleep(for: .milliseconds((input.int ?? 0) % 7))
                            return input
                        }),
                    .branch(
                        "ask", resolve: code.inline { input, _ in (input.int ?? 0) % 3 == 0 ? "yes" : "no" },
                        cases: ["yes": [.human("person")], "no": [.step("rest", handler: code.inline { v, _ in v })]]),
                ]
            }
        }

        /// Begins an engine on a store of its own, loads it, and ends it in the midst of that. All that waits has to end.
        static func once(_ workflow: Workflow) async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "life-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let store = try SQLiteJournal(path: folder.appending(path: "runs.db").path)
            let engine = WorkflowEngine(store: store, workers: 2)
            let directory = try RunDirectory(engine, catalog: FixedCatalog([workflow]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                let all = directory.events.subscribe()
                group.addTask { while await all.next() != nil {} }
                let recovery = RecoveryService(directory, every: .milliseconds(1))
                let looking = Task { await recovery.run() }
                for number in 0..<24 {
                    let run = engine.createRun(workflow)
                    group.addTask {
                        do {
                            let record = try await run.run(input: Value(Int64(number)))
                            if record.status.isTerminal { return }
                            _ = try await run.finished()
                        } catch let failure as RunFailure where failure.code == RunFailure.Code.engineStopped {}
                    }
                    group.addTask { for await _ in run.events() {} }
                    let watch = run.watch { _ in await Task.yield() }
                    group.addTask { await watch.finished() }
                }
                try await Task.sleep(for: .milliseconds(3))
                looking.cancel()
                await looking.value
                await engine.shutdown(closing: store)
                try await group.waitForAll()
            }
        }

        /// What the process holds.
        struct Holdings: CustomStringConvertible {
            var threads = count("/proc/self/task")
            var descriptors = count("/proc/self/fd")
            var bytes = residentBytes()

            var description: String { "\(threads) threads, \(descriptors) descriptors, \(bytes) bytes" }

            /// The first that pass, or the newest after two seconds: a thread that has ended takes a moment to be gone.
            static func settled(_ passes: (Holdings) -> Bool) async -> Holdings {
                for _ in 0..<100 {
                    let now = Holdings()
                    if passes(now) { return now }
                    try? await Task.sleep(for: .milliseconds(20))
                }
                return Holdings()
            }

            private static func count(_ folder: String) -> Int {
                (try? FileManager.default.contentsOfDirectory(atPath: folder).count) ?? 0
            }

            /// The memory that the process holds.
            private static func residentBytes() -> Int {
                let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
                let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
                return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
            }
        }
    }
#endif
