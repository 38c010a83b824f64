internal import FlatValue

extension DefinitionReader {
    private static let scheduleKeys = [
        "id", "cron", "timezone", "every", "input", "overlap", "catch_up", "catch_up_all",
    ]

    /// Reads the schedules of the outermost workflow.
    mutating func readSchedules(_ owner: Scope) -> [Schedule] {
        guard let list = value(owner, "schedules") else { return [] }
        guard list.isArray || list.tag == .emptyTable else {
            expected(
                owner, "schedules", "a list of schedules such as { { id = \"daily\", cron = \"0 9 * * *\" } }", list)
            return []
        }
        var schedules: [Schedule] = []
        for (index, item) in list.items.enumerated() {
            var scope = Scope(
                object: item, name: "schedule \(index + 1) of \(owner.name)", path: "schedules[\(index + 1)]",
                location: owner.location)
            guard item.isPlainObject else {
                expected(
                    owner, "schedules[\(index + 1)]", "a table such as { id = \"daily\", cron = \"0 9 * * *\" }", item)
                continue
            }
            if let id = item["id"]?.string, !id.isEmpty { scope.name = "schedule '\(id)' of \(owner.name)" }
            guard let schedule = readSchedule(scope) else { continue }
            if schedules.contains(where: { $0.id == schedule.id }) {
                report(scope, "duplicate_id", "has the id of another schedule", key: "id")
            }
            schedules.append(schedule)
        }
        return schedules
    }

    /// Reads one; nil where an issue was reported that leaves nothing to run by.
    private mutating func readSchedule(_ scope: Scope) -> Schedule? {
        checkKeys(scope, allowed: Self.scheduleKeys, shown: Self.scheduleKeys)
        let id = readID(scope)
        if let id, !id.utf8.allSatisfy(Self.fitsRunID) {
            report(
                scope, "invalid_id", "has other characters than letters, digits, '-', '_' and '.' in its id", key: "id")
        }
        let timing = readTiming(scope)
        let overlap = word(scope, "overlap", of: Schedule.Overlap.allCases.map(\.rawValue))
        let catchUp = duration(scope, "catch_up", orZero: true)
        var catchesUpAll = false
        if let value = value(scope, "catch_up_all") {
            if let flag = value.bool {
                catchesUpAll = flag
            } else {
                expected(scope, "catch_up_all", "a boolean", value)
            }
        }
        var input = Value.emptyObject
        if let value = value(scope, "input") {
            checkData(scope, "input", value)
            input = Value(value)
        }
        guard let id, let timing else { return nil }
        return Schedule(
            id: id, timing: timing, input: input, overlap: overlap.flatMap(Schedule.Overlap.init) ?? .skip,
            catchUp: catchUp ?? Schedule.usualCatchUp, catchesUpAll: catchesUpAll)
    }

    private mutating func readTiming(_ scope: Scope) -> Schedule.Timing? {
        let (cron, every) = (string(scope, "cron"), value(scope, "every"))
        let zone = string(scope, "timezone")
        if (cron == nil) == (every == nil) {
            if value(scope, "cron") == nil || every != nil {
                report(
                    scope, "invalid_schedule",
                    "needs either `cron`, such as \"0 9 * * 1-5\", or `every`, such as \"15m\"")
            }
            return nil
        }
        if let cron {
            do throws(CronError) {
                return .cron(try CronExpression(cron), zone: zone ?? "UTC")
            } catch {
                report(scope, "invalid_cron", "has a wrong `cron`: \(error.message)", key: "cron")
                return nil
            }
        }
        if zone != nil {
            report(scope, "invalid_schedule", "has a `timezone`, which `every` has no use for", key: "timezone")
        }
        guard let interval = duration(scope, "every") else { return nil }
        guard interval >= 1_000_000 else {
            report(scope, "invalid_schedule", "has an `every` below a second", key: "every")
            return nil
        }
        return .every(interval)
    }

    /// Runs of schedules are named after them.
    private static func fitsRunID(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
