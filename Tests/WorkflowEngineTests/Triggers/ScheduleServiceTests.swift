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
                #expect(runs.first == "report-often-20260101T000100Z")
                #expect(try await one.settled(runs[0]).record.status == .success)
            }
        }
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
            #expect(runs == ["report-often-20260101T010000Z"])
            #expect(missed.withLock { $0 } == [59])
        }
    }

    @Test func `all missed times within the limit get their runs where that is wanted`() async throws {
        let clock = VirtualClock(startingAt: Self.start)
        let flow = try workflow(["id": "often", "every": "1m", "catch_up": "5m", "catch_up_all": true])
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            await service.begin()
            clock.set(Self.start + 60 * Self.minute)
            await service.begin()
            let runs = try await begun(directory)
            #expect(runs.count == 6)
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
            await service.begin()
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

    @Test func `a zone that does not exist is refused`() {
        #expect(throws: DefinitionError.self) {
            try workflow(["id": "daily", "cron": "0 9 * * *", "timezone": "Europe/Olso"])
        }
    }
}
