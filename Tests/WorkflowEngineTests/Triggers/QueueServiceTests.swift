internal import FlatValue
internal import MemoryJournal
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Queue")
struct QueueServiceTests {
    private static let start: Int64 = 1_767_225_600_000_000
    private static let second: Int64 = 1_000_000

    /// A workflow whose runs wait for the event `go`, with a key of the input's `k`.
    private func workflow(_ flow: (_ key: UInt32) -> Value) throws -> Workflow {
        var handlers = StepHandlers()
        let key = handlers.inline { input, _ in input["k"] ?? .null }
        let urgency = handlers.inline { input, _ in input["p"] ?? .null }
        var entries = (flow(key).entries ?? []).map { ($0.key, $0.value) }
        if !entries.contains(where: { $0.0 == "priority" }) {
            entries.append(("priority", ["$function": Value(Int64(urgency))]))
        }
        return try Workflow(
            WorkflowDefinition(id: "job", flow: Value(entries: entries), nodes: [.waitFor("go", event: "go")]),
            handlers: handlers)
    }

    private func input(_ key: Value, priority: Int64 = 0) -> Value { ["k": key, "p": Value(priority)] }

    private func start(_ directory: RunDirectory, _ id: String, _ input: Value) async throws -> StartedRun {
        try await directory.start(StartRequest(workflow: "job", input: input, id: id))
    }

    /// The runs that have begun and are not over, by id.
    private func begun(_ directory: RunDirectory) async throws -> [String] {
        // A run that was let begin shows it once its worker has written so.
        for _ in 0..<20_000 {
            let queued = try await directory.list(RunFilter(statuses: [.queued]))
            if queued.allSatisfy(\.isHeld) { break }
            try await Task.sleep(for: .milliseconds(1))
        }
        return try await directory.list(RunFilter(statuses: [.running, .waiting])).map(\.id).sorted()
    }

    private func end(_ directory: RunDirectory, _ id: String) async throws {
        try await directory.signal(id, "go")
        _ = try await directory.settled(id)
    }

    private func place(_ directory: RunDirectory, _ id: String) async throws -> QueuePlace? {
        try await directory.store.places(of: [id])[id]
    }

    @Test func `runs of a key wait in order of priority and age until one of them is over`() async throws {
        let flow = try workflow { ["concurrency": ["limit": 2, "key": Value(Int64($0))]] }
        try await withDirectory([flow]) { directory in
            let queue = QueueService(directory)
            for (index, priority) in [0, 0, 0, 5, 0, 5].enumerated() {
                let started = try await start(directory, "a\(index)", input("a", priority: Int64(priority)))
                #expect(started.isNew && started.isQueued)
                if index == 1 { await queue.begin() }
            }
            _ = try await start(directory, "b0", input("b"))
            await queue.begin()
            #expect(try await begun(directory) == ["a0", "a1", "b0"])
            let waiting = try await place(directory, "a4")
            #expect(waiting?.position == 4)
            #expect(waiting?.text == "concurrency key a has 2 of 2 running, 3 before it")
            #expect(try await directory.header(of: "a4").isHeld)
            for (ended, next) in [("a0", "a3"), ("a1", "a5"), ("a3", "a2"), ("a5", "a4")] {
                try await end(directory, ended)
                await queue.begin()
                let now = try await begun(directory)
                #expect(now.contains(next), "\(next) after \(ended): \(now)")
                #expect(now.count == 3)
            }
            #expect(try await directory.store.queueFigures().waiting == 0)
        }
    }

    @Test func `a run that waits is in nobody's memory, and begins in another process`() async throws {
        let store = MemoryStore()
        let flow = try workflow { _ in ["concurrency": ["limit": 1]] }
        try await withDirectory([flow], store: store) { one in
            try await withDirectory([flow], store: store) { two in
                for id in ["a", "b"] { _ = try await start(one, id, input("x")) }
                #expect(one.liveCount == 0)
                await QueueService(two).begin()
                #expect(two.liveCount == 1)
                try await end(one, "a")
                await QueueService(one).begin()
                #expect(try await begun(two) == ["b"])
            }
        }
    }

    @Test func `no period has more starts than the rate allows`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow { ["rate_limit": ["limit": 2, "period": "10s", "key": Value(Int64($0))]] }
        try await withDirectory([flow], clock: clock) { directory in
            let queue = QueueService(directory)
            for index in 0..<5 { _ = try await start(directory, "r\(index)", input("a")) }
            var counts: [Int] = []
            for step in [0, 3, 10, 11, 19, 20] {
                clock.set(Self.start + Int64(step) * Self.second)
                let next = await queue.begin()
                counts.append(try await begun(directory).count)
                if step == 3 { #expect(next == Self.start + 10 * Self.second) }
            }
            #expect(counts == [2, 2, 4, 4, 4, 5])
        }
    }

    private static let conflicts: [(String, [String])] = [
        ("skip", ["a"]), ("queue", ["a"]), ("cancel-running", ["c"]),
    ]

    @Test(arguments: conflicts)
    func `a singleton meets a second start as it says`(_ conflict: String, _ running: [String]) async throws {
        let flow = try workflow { ["singleton": ["key": Value(Int64($0)), "on_conflict": Value(conflict)]] }
        try await withDirectory([flow]) { directory in
            let queue = QueueService(directory)
            var given: [String] = []
            for id in ["a", "b", "c"] {
                given.append(try await start(directory, id, input("k")).id)
                await queue.begin()
            }
            await queue.begin()
            await queue.begin()
            #expect(given == (conflict == "skip" ? ["a", "a", "a"] : ["a", "b", "c"]))
            #expect(try await begun(directory) == running)
            let cancelled = try await directory.list(RunFilter(statuses: [.cancelled])).map(\.id).sorted()
            #expect(cancelled == (conflict == "cancel-running" ? ["a", "b"] : []))
        }
    }

    @Test func `a singleton cancels the run that is there also where that alone makes room`() async throws {
        let flow = try workflow {
            [
                "singleton": ["key": Value(Int64($0)), "on_conflict": "cancel-running"],
                "concurrency": ["limit": 1],
            ]
        }
        try await withDirectory([flow]) { directory in
            let queue = QueueService(directory)
            for id in ["a", "b", "c"] {
                _ = try await start(directory, id, input("k"))
                await queue.begin()
                await queue.begin()
                #expect(try await begun(directory) == [id])
            }
        }
    }

    /// Keys in groups that are equal in Lua; no two groups share a limit.
    private static let keys: [[Value]] = [
        [1, 1.0], ["1"], [true], ["true"], [-0.0, 0, 0.0], ["0"], [0.5], ["0.5"], ["\"1\""], ["1.0"],
        [9_007_199_254_740_993], [9_007_199_254_740_992, 9_007_199_254_740_992.0], [1e300], [Value(Value(1e300).json)],
    ]

    @Test func `equal keys share a limit, and others do not`() async throws {
        let flow = try workflow { ["concurrency": ["limit": 1, "key": Value(Int64($0))]] }
        try await withDirectory([flow]) { directory in
            for (group, keys) in Self.keys.enumerated() {
                for (index, key) in keys.enumerated() {
                    _ = try await start(directory, "g\(group)-\(index)", input(key))
                }
            }
            await QueueService(directory).begin()
            let first = Self.keys.indices.map { "g\($0)-0" }.sorted()
            #expect(try await begun(directory) == first)
            for value: Value in [Value(Double.nan), Value(-Double.infinity), .null, ["k"], .emptyObject] {
                #expect(QueueKey(value) == nil)
            }
        }
    }

    @Test func `a run that is forked from its beginning waits for nobody`() async throws {
        let flow = try workflow { ["concurrency": ["limit": 1, "key": Value(Int64($0))]] }
        try await withDirectory([flow]) { directory in
            _ = try await start(directory, "a", input("k"))
            await QueueService(directory).begin()
            let fork = try await directory.fork("a", at: .before("go"), input: input("k"), as: "f")
            #expect(try await fork.settled().status == .waiting)
        }
    }

    @Test func `a singleton cancels the run that is there, however many begin beside it`() async throws {
        let flow = try workflow { ["singleton": ["key": Value(Int64($0)), "on_conflict": "cancel-running"]] }
        try await withDirectory([flow]) { directory in
            let queue = QueueService(directory)
            _ = try await start(directory, "a", input("k"))
            await queue.begin()
            _ = try await start(directory, "b", input("k", priority: 1))
            for index in 0..<100 { _ = try await start(directory, "r\(index)", input(Value("r\(index)"))) }
            await queue.begin()
            #expect(try await directory.header(of: "a").status == .cancelled)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `runs that a process drives alone replace each other too`() async throws {
        let flow = try workflow { ["singleton": ["key": Value(Int64($0)), "on_conflict": "cancel-running"]] }
        try await withDirectory([flow]) { directory in
            let (first, second) = (
                directory.engine.createRun(flow, id: "a"), directory.engine.createRun(flow, id: "b")
            )
            try first.start(input: input("k"))
            #expect(try await first.settled().status == .waiting)
            try second.start(input: input("k"))
            #expect(try await first.finished().status == .cancelled)
            #expect(try await second.settled().status == .waiting)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a run that a process drives alone waits for no run that nobody drives`() async throws {
        let store = MemoryStore()
        let undone = Counter()
        let flow = try compensated(undone)
        try await withDirectory([flow], store: store) { directory in
            let run = directory.engine.createRun(flow, id: "a")
            try run.start(input: input("k"))
            #expect(try await run.settled().status == .waiting)
        }
        try await withDirectory([flow], store: store) { directory in
            let run = directory.engine.createRun(flow, id: "b")
            try run.start(input: input("k"))
            #expect(try await run.settled().status == .waiting)
            let rival = try await directory.record(of: "a")
            #expect(rival.status == .cancelled && undone.value == 1)
            #expect(rival.result().error?["reason"]?.string == "run b takes its place")
        }
    }

    /// A workflow one run of which is under way for each key, with a step that is undone.
    private func compensated(_ undone: Counter) throws -> Workflow {
        var handlers = StepHandlers()
        let key = handlers.inline { input, _ in input["k"] ?? .null }
        let pass = handlers.inline { input, _ in input }
        let undo = handlers.inline { _, _ in
            undone.increment()
            return .null
        }
        return try Workflow(
            WorkflowDefinition(
                id: "job",
                flow: ["singleton": ["key": ["$function": Value(Int64(key))], "on_conflict": "cancel-running"]],
                nodes: [.step("pass", handler: pass, compensate: undo), .waitFor("go", event: "go")]),
            handlers: handlers)
    }

    @Test func `debounced starts come to one run with the last input`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow { ["debounce": ["period": "30s", "key": Value(Int64($0))]] }
        try await withDirectory([flow], clock: clock) { directory in
            let queue = QueueService(directory)
            for step in 0..<3 {
                clock.set(Self.start + Int64(step) * 20 * Self.second)
                _ = try await start(directory, "d\(step)", ["k": "a", "n": Value(Int64(step))])
                await queue.begin()
                #expect(try await begun(directory).isEmpty)
            }
            #expect(try await place(directory, "d2")?.reason == .time(Self.start + 70 * Self.second))
            clock.set(Self.start + 70 * Self.second)
            await queue.begin()
            #expect(try await begun(directory) == ["d2"])
            #expect(try await directory.list(RunFilter(statuses: [.cancelled])).map(\.id) == ["d1", "d0"])
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a clock that is set ahead has those begin that waited for the time`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow { ["debounce": ["period": "1h", "key": Value(Int64($0))]] }
        try await withDirectory([flow], clock: clock) { directory in
            _ = try await start(directory, "d", input("a"))
            let changes = try await directory.store.changeCount()
            let service = Task { await QueueService(directory).run() }
            defer { service.cancel() }
            // A look at the queue counts as a change in memory: the service has seen the run, and waits for its time.
            while try await directory.store.changeCount() == changes { try await Task.sleep(for: .milliseconds(1)) }
            clock.set(Self.start + 3600 * Self.second)
            #expect(try await directory.settled("d").record.status == .waiting)
        }
    }

    @Test func `a run that is cancelled while it waits gives its place up`() async throws {
        let flow = try workflow { _ in ["concurrency": ["limit": 1]] }
        try await withDirectory([flow]) { directory in
            let queue = QueueService(directory)
            for id in ["a", "b", "c"] { _ = try await start(directory, id, input("x")) }
            await queue.begin()
            #expect(try await directory.cancel("b").status == .cancelled)
            try await end(directory, "a")
            await queue.begin()
            #expect(try await begun(directory) == ["c"])
        }
    }

    @Test func `whoever waits for a run has its end, also when it first waits in the queue`() async throws {
        let flow = try workflow { _ in ["concurrency": ["limit": 1]] }
        try await withDirectory([flow]) { directory in
            let service = Task { await QueueService(directory).run() }
            defer { service.cancel() }
            for id in ["a", "b"] { _ = try await start(directory, id, input("x")) }
            let (first, _) = try await directory.settled("a")
            #expect(first.status == .waiting)
            async let second = directory.settled("b")
            try await directory.signal("a", "go")
            #expect(try await second.record.status == .waiting)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `whoever starts a run and waits for it has its end, also when it first waits in the queue`() async throws {
        let flow = try workflow { _ in ["concurrency": ["limit": 1]] }
        try await withDirectory([flow]) { directory in
            let service = Task { await QueueService(directory).run() }
            defer { service.cancel() }
            let first = try await start(directory, "a", input("x"))
            #expect(try await directory.settled(first).record.status == .waiting)
            let second = try await start(directory, "b", input("x"))
            async let settled = directory.settled(second)
            try await end(directory, "a")
            #expect(try await settled.record.status == .waiting)
        }
    }

    @Test func `a run that has just been queued can be cancelled`() async throws {
        let flow = try workflow { ["debounce": ["period": "1h", "key": Value(Int64($0))]] }
        try await withDirectory([flow]) { directory in
            for number in 0..<200 {
                _ = try await start(directory, "r\(number)", input("x"))
                #expect(try await directory.cancel("r\(number)").status == .cancelled)
            }
        }
    }

    @Test func `an engine without a service looks after the runs that it drives itself`() async throws {
        let flow = try workflow { _ in ["concurrency": ["limit": 1]] }
        try await withDirectory([flow]) { directory in
            let runs = ["a", "b"].map { directory.engine.createRun(flow, id: $0) }
            for run in runs { try run.start(input: input("x")) }
            _ = try await runs[0].settled()
            try await runs[0].signal("go")
            #expect(try await runs[0].finished().status == .success)
            #expect(try await runs[1].settled().status == .waiting)
        }
    }

    @Test func `a key that is none fails the run before it begins`() async throws {
        let flow = try workflow { ["concurrency": ["limit": 1, "key": Value(Int64($0))]] }
        try await withDirectory([flow]) { directory in
            for (id, key): (String, Value) in [("a", [1, 2]), ("b", "acme\0other")] {
                let started = try await start(directory, id, input(key))
                let (record, _) = try await directory.settled(started.id)
                #expect(record.status == .failed)
                #expect(record.result().error?["code"]?.string == "invalid_key")
            }
        }
    }

    @Test func `a key that is nil does not count`() async throws {
        let flow = try workflow { ["concurrency": ["limit": 1, "key": Value(Int64($0))]] }
        try await withDirectory([flow]) { directory in
            for id in ["a", "b"] {
                let started = try await start(directory, id, ["n": 1])
                #expect(!started.isQueued)
            }
            #expect(directory.liveCount == 2)
        }
    }

    private static let faults: [(Value, String)] = [
        (["concurrency": [:]], "missing_limit"), (["concurrency": ["limit": 0]], "invalid_type"),
        (["rate_limit": ["limit": 1]], "missing_period"), (["singleton": ["on_conflict": "wait"]], "invalid_value"),
        (["debounce": ["periode": "1s", "period": "1s"]], "unknown_key"), (["priority": 0.5], "invalid_type"),
    ]

    @Test(arguments: faults)
    func `what is wrong with limits is said`(_ flow: Value, _ code: String) {
        do {
            _ = try Workflow(
                WorkflowDefinition(id: "job", flow: flow, nodes: [.waitFor("go", event: "go")]),
                handlers: StepHandlers())
            Issue.record("no error")
        } catch {
            #expect(error.issues.map(\.code).contains(code))
        }
    }
}
