internal import Testing

@testable internal import WorkflowCore

/// A zone whose offset changes at certain instants.
private struct StepZone: TimeZoneRules {
    /// Offsets with the instants from which they hold, oldest first.
    var steps: [(from: Int, offset: Int)]

    func offset(at instant: Int) -> Int { steps.last { $0.from <= instant }?.offset ?? steps[0].offset }

    /// Oslo in 2026: an hour ahead, two from 29 March 01:00 UTC to 25 October 01:00 UTC.
    static let oslo = StepZone(steps: [(.min, 3600), (1_774_746_000, 7200), (1_792_890_000, 3600)])
}

@Suite("Cron")
struct CronTests {
    /// 2026-01-01, a Thursday.
    private static let newYear = 1_767_225_600

    private func times(
        _ cron: String, after start: Int = newYear, _ zone: StepZone? = nil, count: Int = 3
    ) throws -> [String] {
        let expression = try CronExpression(cron)
        var (times, last) = ([String](), start)
        while times.count < count {
            let next =
                zone.map { expression.next(after: last, in: $0) } ?? expression.next(after: last, in: UniversalTime())
            guard let next else { break }
            last = next
            let local = next + (zone?.offset(at: next) ?? 0)
            let date = CivilDate(number: local / 86_400)
            times.append("\(date.month)/\(date.day) \(local / 3600 % 24):\(local / 60 % 60):\(local % 60)")
        }
        return times
    }

    @Test(arguments: [
        ("0 9 * * 1-5", ["1/1 9:0:0", "1/2 9:0:0", "1/5 9:0:0"]),
        ("*/20 0 * * *", ["1/1 0:20:0", "1/1 0:40:0", "1/2 0:0:0"]),
        ("30 5 9 * * *", ["1/1 9:5:30", "1/2 9:5:30", "1/3 9:5:30"]),
        ("@monthly", ["2/1 0:0:0", "3/1 0:0:0", "4/1 0:0:0"]),
        ("0 0 L * *", ["1/31 0:0:0", "2/28 0:0:0", "3/31 0:0:0"]),
        ("0 0 * * 5L", ["1/30 0:0:0", "2/27 0:0:0", "3/27 0:0:0"]),
        ("0 0 * * MON#2", ["1/12 0:0:0", "2/9 0:0:0", "3/9 0:0:0"]),
        ("0 0 13 * FRI", ["1/2 0:0:0", "1/9 0:0:0", "1/13 0:0:0"]),
        ("0 0 13 * 0-6", ["1/2 0:0:0", "1/3 0:0:0", "1/4 0:0:0"]),
        ("0 0 1-31 * FRI", ["1/2 0:0:0", "1/3 0:0:0", "1/4 0:0:0"]),
        ("0 0 13 * */1", ["1/13 0:0:0", "2/13 0:0:0", "3/13 0:0:0"]),
        ("0 0 29 2 *", ["2/29 0:0:0", "2/29 0:0:0", "2/29 0:0:0"]),
        ("0 0 * * FRI-MON", ["1/2 0:0:0", "1/3 0:0:0", "1/4 0:0:0"]),
        ("0 0 * JUL 7", ["7/5 0:0:0", "7/12 0:0:0", "7/19 0:0:0"]),
    ])
    func `fields, names, ranges, steps, last days and numbered days are honoured`(_ cron: String, _ expected: [String])
        throws
    {
        #expect(try times(cron) == expected)
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
        "*/0 * * * *",
        "a * * * *", "1-2-3 * * * *", "1,,2 * * * *", "* * * * 1#6", "* * * * #1", "0 0 30 2 *", "@never",
        "1/2/3 * * * *",
        "-1 * * * *", "99999999999999999999 * * * *", "* * l * 9l",
    ])
    func `what is no cron expression is refused`(_ cron: String) {
        #expect(throws: CronError.self) { try CronExpression(cron) }
    }

    @Test func `a local time that daylight saving skips fires at the first time after it`() throws {
        #expect(
            try times("30 2 * * *", after: 1_774_656_000, .oslo) == ["3/28 2:30:0", "3/29 3:0:0", "3/30 2:30:0"])
    }

    @Test func `a local time that comes twice fires once`() throws {
        #expect(
            try times("30 2 * * *", after: 1_792_800_000, .oslo) == ["10/24 2:30:0", "10/25 2:30:0", "10/26 2:30:0"])
        let expression = try CronExpression("30 2 25 10 *")
        let first = try #require(expression.next(after: 1_792_800_000, in: StepZone.oslo))
        #expect(first == 1_792_888_200)
        #expect(try #require(expression.next(after: first, in: StepZone.oslo)) - first > 300 * 86_400)
    }

    @Test func `an expression for every hour goes by the time that passes`() throws {
        let expression = try CronExpression("0 * * * *")
        var last = 1_792_879_200
        for _ in 0..<6 {
            let next = try #require(expression.next(after: last, in: StepZone.oslo))
            #expect(next - last == 3600)
            last = next
        }
    }
}
