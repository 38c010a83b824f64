internal import FlatValue
internal import MemoryJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Times of schedules that are changed while nothing serves")
struct ScheduleTimingTests {
    /// 2026-01-01 00:00 UTC, in microseconds.
    private static let start: Int64 = 1_767_225_600_000_000
    private static let hour: Int64 = 3_600_000_000

    private func workflow(_ overlap: String, _ cron: String) throws -> Workflow {
        let schedule: Value = ["id": "often", "cron": Value(cron), "catch_up": "24h", "overlap": Value(overlap)]
        return try Workflow(id: "report", schedules: [schedule]) { code in
            [.step("s", handler: code.inline { input, _ in input })]
        }
    }

    @Test(arguments: ["skip", "queue", "cancel-running", "allow"])
    func `what they were changed to is not made up for`(_ overlap: String) async throws {
        let (store, clock) = (MemoryStore(), VirtualClock(startingAt: Self.start))
        // Each is a server of its own: the hours at which it looks, and what the schedule says there.
        let servers: [(hours: [Int64], cron: String)] = [
            ([0, 9], "0 9 * * *"), ([15, 18], "0 12,18 * * *"), ([20], "0 12,18,19 * * *"), ([43], "0 12,18,19 * * *"),
        ]
        for server in servers {
            try await withDirectory([try workflow(overlap, server.cron)], store: store, clock: clock) { directory in
                let service = ScheduleService(directory)
                for hour in server.hours {
                    clock.set(Self.start + hour * Self.hour)
                    await service.begin()
                    for run in try await directory.list(RunFilter()) { _ = try await directory.settled(run.id) }
                }
            }
        }
        try await withDirectory([try workflow(overlap, "0 9 * * *")], store: store, clock: clock) { directory in
            let runs = try await directory.list(RunFilter()).map(\.id).reversed()
            // Times that were not changed are made up for as ever: 18:00 of the first day's second server, noon and 19:00.
            #expect(
                Array(runs) == ["01T090000Z", "01T180000Z", "02T190000Z"].map { "report~often~202601\($0)" })
        }
    }

    @Test func `two servers with different times both go on`() async throws {
        let (store, clock) = (MemoryStore(), VirtualClock(startingAt: Self.start))
        try await withDirectory([try workflow("skip", "0 9 * * *")], store: store, clock: clock) { one in
            try await withDirectory([try workflow("skip", "0 10 * * *")], store: store, clock: clock) { two in
                let services = [ScheduleService(one), ScheduleService(two)]
                for hour: Int64 in [0, 9, 10, 33, 34] {
                    clock.set(Self.start + hour * Self.hour)
                    for service in services { await service.begin() }
                    for run in try await one.list(RunFilter()) { _ = try? await one.settled(run.id) }
                }
                let runs = try await one.list(RunFilter()).map(\.id).sorted()
                let times = ["01T090000Z", "01T100000Z", "02T090000Z", "02T100000Z"]
                #expect(runs == times.map { "report~often~202601\($0)" })
            }
        }
    }
}
