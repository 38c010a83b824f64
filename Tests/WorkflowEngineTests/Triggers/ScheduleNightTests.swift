internal import FlatValue
internal import Foundation
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Schedules over daylight saving")
struct ScheduleNightTests {
    /// A night on which the clocks change: what a daily time becomes that is skipped or comes twice, and how many hours it has.
    struct Night: CustomTestStringConvertible, Sendable {
        var zone: String
        /// The local day that the night belongs to, `yyyy-MM-dd`.
        var day: String
        /// A local time that the change skips or repeats.
        var time: String
        /// The instant at which that time fires, once.
        var fires: String
        /// How often a full hour comes from midnight to midnight.
        var hours: Int

        var testDescription: String { "\(zone) on \(day)" }
    }

    /// Both nights of 2026 in ten zones, by the time zone database.
    private static let nights = [
        Night(zone: "Europe/Oslo", day: "2026-03-29", time: "2:30", fires: "2026-03-29T01:00:00Z", hours: 23),
        Night(zone: "Europe/Oslo", day: "2026-10-25", time: "2:30", fires: "2026-10-25T00:30:00Z", hours: 25),
        Night(zone: "Europe/London", day: "2026-03-29", time: "1:30", fires: "2026-03-29T01:00:00Z", hours: 23),
        Night(zone: "Europe/London", day: "2026-10-25", time: "1:30", fires: "2026-10-25T00:30:00Z", hours: 25),
        Night(zone: "America/New_York", day: "2026-03-08", time: "2:30", fires: "2026-03-08T07:00:00Z", hours: 23),
        Night(zone: "America/New_York", day: "2026-11-01", time: "1:30", fires: "2026-11-01T05:30:00Z", hours: 25),
        Night(zone: "America/Los_Angeles", day: "2026-03-08", time: "2:30", fires: "2026-03-08T10:00:00Z", hours: 23),
        Night(zone: "America/Los_Angeles", day: "2026-11-01", time: "1:30", fires: "2026-11-01T08:30:00Z", hours: 25),
        Night(zone: "America/St_Johns", day: "2026-03-08", time: "2:30", fires: "2026-03-08T05:30:00Z", hours: 23),
        Night(zone: "America/St_Johns", day: "2026-11-01", time: "1:30", fires: "2026-11-01T04:00:00Z", hours: 25),
        Night(zone: "America/Santiago", day: "2026-09-06", time: "0:30", fires: "2026-09-06T04:00:00Z", hours: 23),
        Night(zone: "America/Santiago", day: "2026-04-04", time: "23:30", fires: "2026-04-05T02:30:00Z", hours: 25),
        Night(zone: "Australia/Sydney", day: "2026-10-04", time: "2:30", fires: "2026-10-03T16:00:00Z", hours: 23),
        Night(zone: "Australia/Sydney", day: "2026-04-05", time: "2:30", fires: "2026-04-04T15:30:00Z", hours: 25),
        Night(zone: "Australia/Lord_Howe", day: "2026-10-04", time: "2:15", fires: "2026-10-03T15:30:00Z", hours: 23),
        Night(zone: "Australia/Lord_Howe", day: "2026-04-05", time: "1:45", fires: "2026-04-04T14:45:00Z", hours: 24),
        Night(zone: "Africa/Cairo", day: "2026-04-24", time: "0:30", fires: "2026-04-23T22:00:00Z", hours: 23),
        Night(zone: "Africa/Cairo", day: "2026-10-29", time: "23:30", fires: "2026-10-29T20:30:00Z", hours: 25),
        Night(zone: "Pacific/Auckland", day: "2026-09-27", time: "2:30", fires: "2026-09-26T14:00:00Z", hours: 23),
        Night(zone: "Pacific/Auckland", day: "2026-04-05", time: "2:30", fires: "2026-04-04T13:30:00Z", hours: 25),
    ]

    @Test(arguments: nights)
    func `a night on which the clocks change has each time once, and each of its hours`(_ night: Night) async throws {
        let zone = try #require(TimeZone(identifier: night.zone))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let parts = night.day.split(separator: "-").compactMap { Int($0) }
        let midnight = try #require(
            calendar.date(from: DateComponents(year: parts[0], month: parts[1], day: parts[2])))
        let following = calendar.startOfDay(for: midnight.addingTimeInterval(30 * 3600))
        let clockTime = night.time.split(separator: ":")
        let schedule: Value = [
            "id": "daily", "cron": Value("\(clockTime[1]) \(clockTime[0]) * * *"), "timezone": Value(night.zone),
            "overlap": "allow", "catch_up": "20m", "catch_up_all": true,
        ]
        let hourly: Value = [
            "id": "hourly", "cron": "0 * * * *", "timezone": Value(night.zone), "overlap": "allow", "catch_up": "20m",
            "catch_up_all": true,
        ]
        let flow = try Workflow(id: "report", schedules: [schedule, hourly]) { code in
            [.step("s", handler: code.inline { input, _ in input })]
        }
        let clock = VirtualClock(startingAt: Int64(midnight.timeIntervalSince1970) * 1_000_000 - 1)
        try await withDirectory([flow], clock: clock) { directory in
            let service = ScheduleService(directory)
            // Every time is looked for, in steps of less than the changes are long.
            let end = Int64(following.timeIntervalSince1970) * 1_000_000 - 1
            while true {
                await service.begin()
                if clock.now() >= end { break }
                clock.set(min(clock.now() + 15 * 60_000_000, end))
            }
            let runs = try await directory.list(RunFilter()).map(\.id)
            let name = night.fires.filter { $0 != "-" && $0 != ":" }
            #expect(runs.filter { $0.contains("daily") } == ["report~daily~\(name)"])
            let hours = runs.filter { $0.contains("hourly") }
            #expect(hours.count == night.hours)
            #expect(Set(hours).count == hours.count)
        }
    }
}
