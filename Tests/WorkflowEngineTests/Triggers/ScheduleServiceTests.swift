internal import FlatValue
internal import MemoryJournal
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Schedules")
struct ScheduleServiceTests {
    /// 2026-01-01 00:00 UTC, in microseconds.
    private static let start: Int64 = 1_767_225_600_000_000
    private static let minute: Int64 = 60_000_000

    private func workflow(_ schedule: Value, waits: Bool = false) throws -> Workflow {
        try Workflow(id: "report", schedules: [schedule]) { code in
            waits
                ? [.waitFor("go", event: "go")]
                : [.step("s", handler: code.inline { input, _ in input })]
        }
    }

    private func begun(_ directory: RunDirectory) async throws -> [String] {
        try await directory.list(RunFilter()).map(\.id).reversed()
    }

    @Test func `each time begins one run, however many services look`() async throws {
        let (store, clock) = (MemoryStore(), VirtualClock(startingAt: Self.start))
        let flow = try workflow(["id": "often", "every": "1m", "input": ["n": 1]])
        try await withDirectory([flow], store: store, clock: clock) { one in
            try await withDirectory([flow], store: store, clock: clock) { two in
                let services = [ScheduleService(one), ScheduleService(two)]
                for step in 0...5 {
                    clock.set(Self.start + Int64(step) * Self.minute + 1)
                    await withTaskGroup { group in
                        for service in services { group.addTask { await service.begin() } }
                    }
                }
                let runs = try await begun(one)
                #expect(runs.count == 5)
                #expect(runs.first == "report~often~20260101T000100Z")
                #expect(try await one.settled(runs[0]).record.status == .success)
            }
        }
    }

    @Test func `schedules that cannot be read are told of once, and once more when it happens again`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m"])
        let store = LockedStore(clock)
        let engine = WorkflowEngine(workers: 1, clock: clock, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let failures = Mutex<[String]>([])
        let service = ScheduleService(try RunDirectory(engine, catalog: FixedCatalog([flow]))) { report in
            if case .failed(let reason) = report.event { failures.withLock { $0.append(reason) } }
        }
        for step in 0..<3 {
            clock.set(Self.start + Int64(step) * Self.minute)
            await service.begin()
        }
        #expect(failures.withLock { $0 }.count == 1)
        #expect(failures.withLock { $0 }.first?.contains("permission denied for table schedules") == true)
        store.isLocked.withLock { $0 = false }
        await service.begin()
        store.isLocked.withLock { $0 = true }
        for step in 4..<7 {
            clock.set(Self.start + Int64(step) * Self.minute)
            await service.begin()
        }
        #expect(failures.withLock { $0 }.count == 2)
    }

    @Test func `missed times are told of once, although a store cannot be written`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m", "catch_up": "2m"])
        let store = LockedStore(clock)
        store.isLocked.withLock { $0 = false }
        let engine = WorkflowEngine(workers: 1, clock: clock, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let missed = Mutex<[Int]>([])
        let service = ScheduleService(try RunDirectory(engine, catalog: FixedCatalog([flow]))) { report in
            if case .missed(let count) = report.event { missed.withLock { $0.append(count) } }
        }
        await service.begin()
        store.isFull.withLock { $0 = true }
        for step in 10..<14 {
            clock.set(Self.start + Int64(step) * Self.minute)
            await service.begin()
        }
        #expect(missed.withLock { $0 }.isEmpty)
        store.isFull.withLock { $0 = false }
        await service.begin()
        await service.begin()
        #expect(missed.withLock { $0 } == [12])
    }

    @Test func `times that nothing served are made up for by the newest alone, within the limit`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m", "catch_up": "10m"])
        try await withDirectory([flow], clock: clock) { directory in
            let missed = Mutex<[Int]>([])
            let service = ScheduleService(directory) { report in
                if case .missed(let count) = report.event { missed.withLock { $0.append(count) } }
            }
            await service.begin()
            clock.set(Self.start + 60 * Self.minute + 1)
            await service.begin()
            let runs = try await begun(directory)
            #expect(runs == ["report~often~20260101T010000Z"])
            #expect(missed.withLock { $0 } == [59])
        }
    }

    @Test func `a schedule goes on after a clock that was far ahead is set right`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m"])
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            await service.begin()
            clock.set(Self.start + 60 * 24 * 365 * Self.minute)
            await service.begin()
            for step in 1...3 {
                clock.set(Self.start + Int64(step) * Self.minute)
                await service.begin()
            }
            let runs = try await begun(directory)
            #expect(
                runs == [
                    "report~often~20270101T000000Z", "report~often~20260101T000200Z", "report~often~20260101T000300Z",
                ])
        }
    }

    @Test func `a clock that is set back by less has no time come twice`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m"])
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            for step in [0, 1, 2, 3, 1, 2, 3, 4] {
                clock.set(Self.start + Int64(step) * Self.minute)
                await service.begin()
            }
            let runs = try await begun(directory)
            #expect(runs.count == 4)
        }
    }

    @Test(arguments: ["skip", "queue", "cancel-running", "allow"])
    func `all missed times within the limit get their runs where that is wanted`(_ overlap: String) async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(
            ["id": "often", "every": "1m", "catch_up": "5m", "catch_up_all": true, "overlap": Value(overlap)],
            waits: true)
        try await withDirectory([flow], clock: clock) { directory in
            let first = ScheduleService(directory)
            await first.begin()
            clock.set(Self.start + 60 * Self.minute)
            // Two services, of which one comes later; the runs take longer than the limit and hold each other up.
            var services = [first]
            for count in 1...6 {
                for service in services {
                    await service.begin()
                    await service.begin()
                }
                if count == 2 { services.append(ScheduleService(directory)) }
                if overlap == "allow" { break }
                #expect(try await begun(directory).count == count)
                clock.set(clock.now() + 2 * Self.minute)
                let newest = try await begun(directory)[count - 1]
                try await directory.signal(newest, "go")
                #expect(try await directory.settled(newest).record.status == .success)
            }
            let runs = try await begun(directory)
            #expect(Array(runs.prefix(6)) == (55...60).map(Self.run(at:)))
        }
    }

    /// The id of the run of so many minutes after the start.
    private static func run(at minute: Int) -> String {
        let digits = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        return "report~often~20260101T\(digits(minute / 60))\(digits(minute % 60))00Z"
    }

    @Test func `times that pass while missed ones are made up for are met as the schedule says`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(
            ["id": "often", "every": "1m", "catch_up": "5m", "catch_up_all": true], waits: true)
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            await service.begin()
            clock.set(Self.start + 2 * Self.minute)
            await service.begin()
            clock.set(Self.start + 4 * Self.minute)
            for minute in 1...2 {
                await service.begin()
                let newest = try #require(try await begun(directory).last)
                #expect(newest == Self.run(at: minute))
                try await directory.signal(newest, "go")
                _ = try await directory.settled(newest)
                if minute == 1 { await service.begin() }
            }
            // The second one was under way at three and four.
            #expect(try await begun(directory).count == 2)
            clock.set(Self.start + 5 * Self.minute)
            await service.begin()
            #expect(try await begun(directory).last == Self.run(at: 5))
        }
    }

    @Test(arguments: [("skip", 1, false), ("queue", 1, false), ("cancel-running", 2, true)], [false, true])
    func `a run goes on while its chain does`(
        _ rule: (overlap: String, begun: Int, isCancelled: Bool), isPruned: Bool
    ) async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let schedule: Value = ["id": "often", "every": "1m", "overlap": Value(rule.overlap), "input": ["n": 1]]
        let flow = try Workflow(id: "report", schedules: [schedule]) { code in
            [
                .step(
                    "s",
                    handler: code.inline { input, context in
                        if input["n"] == 1 { context.restart(input: ["n": 2]) }
                        return .null
                    }), .waitFor("go", event: "go"),
            ]
        }
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            await service.begin()
            clock.set(Self.start + Self.minute)
            await service.begin()
            let first = Self.run(at: 1)
            let chain = first + "~2"
            #expect(try await directory.settled(first, following: true).record.id == chain)
            if isPruned { #expect(try await directory.store.delete(first)) }
            clock.set(Self.start + 2 * Self.minute)
            await service.begin()
            let scheduled = try await begun(directory).filter { !$0.hasSuffix("~2") }
            #expect(scheduled == [first, Self.run(at: 2)].prefix(rule.begun).filter { !isPruned || $0 != first })
            #expect(try await directory.header(of: chain).status == (rule.isCancelled ? .cancelled : .waiting))
            if rule.isCancelled { return }
            try await directory.signal(chain, "go")
            _ = try await directory.settled(chain)
            clock.set(Self.start + 3 * Self.minute)
            await service.begin()
            let next = Self.run(at: rule.overlap == "queue" && !isPruned ? 2 : 3)
            #expect(try await begun(directory).filter { !$0.hasSuffix("~2") }.last == next)
        }
    }

    @Test(arguments: [("skip", 1, 0), ("queue", 1, 0), ("cancel-running", 3, 2), ("allow", 3, 0)])
    func `a run that is not over is met as the schedule says`(_ overlap: String, _ begun: Int, _ cancelled: Int)
        async throws
    {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m", "overlap": Value(overlap)], waits: true)
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            for step in 0...3 {
                clock.set(Self.start + Int64(step) * Self.minute)
                await service.begin()
            }
            let headers = try await directory.list(RunFilter())
            #expect(headers.count == begun)
            #expect(headers.filter { $0.status == .cancelled }.count == cancelled)
        }
    }

    @Test func `a queue keeps the times that wait`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m", "overlap": "queue"], waits: true)
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            for minute in 0...1 {
                clock.set(Self.start + Int64(minute) * Self.minute)
                await service.begin()
            }
            clock.set(Self.start + 3 * Self.minute)
            for count in 1...3 {
                await service.begin()
                let ids = try await begun(directory)
                #expect(ids.count == count)
                let newest = try #require(ids.last)
                try await directory.signal(newest, "go")
                _ = try await directory.settled(newest)
            }
            await service.begin()
            #expect(try await begun(directory).count == 3)
        }
    }

    @Test func `a queue makes up for times that nothing served as other schedules do`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m", "overlap": "queue", "catch_up": "2m"])
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            for minute: Int64 in [0, 1, 3000] {
                clock.set(Self.start + minute * Self.minute)
                await service.begin()
                for run in try await begun(directory) { _ = try await directory.settled(run) }
            }
            #expect(
                try await begun(directory) == ["report~often~20260101T000100Z", "report~often~20260103T020000Z"])
        }
    }

    @Test func `a paused schedule lets its times pass, and one that is triggered begins a run at once`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m"])
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            try await directory.pause(directory.schedule("often"), true)
            clock.set(Self.start + 2 * Self.minute)
            await service.begin()
            #expect(try await begun(directory).isEmpty)
            try await directory.pause(directory.schedule("report:often"), false)
            await service.begin()
            #expect(try await begun(directory).isEmpty)
            clock.set(Self.start + 3 * Self.minute)
            await service.begin()
            #expect(try await begun(directory).count == 1)
            _ = try await directory.trigger(directory.schedule("often"))
            #expect(try await begun(directory).count == 2)
        }
    }

    @Test func `a look at which nothing is due reads nothing`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let store = CountingStore(clock)
        let engine = WorkflowEngine(workers: 1, clock: clock, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let flow = try Workflow(
            id: "report", schedules: Value(array: (0..<50).map { ["id": Value("s\($0)"), "every": "1m"] })
        ) { code in [.step("s", handler: code.inline { input, _ in input })] }
        let directory = try RunDirectory(engine, catalog: FixedCatalog([flow]))
        let service = ScheduleService(directory)
        for second: Int64 in 0..<120 {
            clock.set(Self.start + second * 1_000_000)
            await service.begin()
        }
        // The schedules were new, and due once.
        #expect(store.reads.value == 2)
        #expect(try await directory.list(RunFilter()).count == 50)
    }

    /// A catalog whose workflow is replaced, as that of a script that is reloaded.
    private final class ChangingCatalog: WorkflowCatalog {
        let workflow: Mutex<Workflow>

        init(_ workflow: Workflow) { self.workflow = Mutex(workflow) }

        func workflows() async -> [Workflow] { [workflow.withLock { $0 }] }

        func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow {
            workflow.withLock { $0 }
        }
    }

    @Test(arguments: ["skip", "queue", "cancel-running", "allow"], [false, true])
    func `a schedule whose times are changed makes up for none that it did not have`(
        _ overlap: String, _ makesUpAll: Bool
    ) async throws {
        func workflow(_ cron: String) throws -> Workflow {
            try self.workflow([
                "id": "often", "cron": Value(cron), "catch_up": "24h", "catch_up_all": Value(makesUpAll),
                "overlap": Value(overlap),
            ])
        }
        let clock = VirtualClock(startingAt: Self.start)
        let store = MemoryJournal(clock: clock)
        let engine = WorkflowEngine(workers: 1, clock: clock, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let catalog = ChangingCatalog(try workflow("0 9 * * *"))
        let directory = try RunDirectory(engine, catalog: catalog)
        let service = ScheduleService(directory)
        for (hour, cron) in [(0, nil), (9, nil), (15, "0 12 * * *"), (16, nil), (17, "0 10,18 * * *"), (18, nil)] {
            if let cron { catalog.workflow.withLock { $0 = (try? workflow(cron)) ?? $0 } }
            clock.set(Self.start + Int64(hour) * 60 * Self.minute)
            await service.begin()
            for run in try await begun(directory) { _ = try await directory.settled(run) }
        }
        #expect(try await begun(directory) == [Self.run(at: 9 * 60), Self.run(at: 18 * 60)])
        await store.close()
    }

    @Test func `a zone that does not exist is refused`() {
        #expect(throws: DefinitionError.self) {
            try workflow(["id": "daily", "cron": "0 9 * * *", "timezone": "Europe/Olso"])
        }
    }
}
