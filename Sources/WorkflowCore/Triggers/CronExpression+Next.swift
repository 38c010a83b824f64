/// The rules of a time zone.
package protocol TimeZoneRules: Sendable {
    /// How many seconds the local time is ahead of UTC at an instant, in seconds since 1970. Its amount is below a day.
    func offset(at instant: Int) -> Int
}

/// UTC.
package struct UniversalTime: TimeZoneRules {
    package init() {}
    package func offset(at instant: Int) -> Int { 0 }
}

extension CronExpression {
    /// The first instant after another one at which the expression fires, in seconds since 1970.
    ///
    /// A local time that daylight saving skips fires at the first instant after the gap, one that comes twice fires the first
    /// time. An expression whose hour is `*` fires by the time that passes instead: in both hours of the same name, and not
    /// for those that do not exist.
    ///
    /// - Returns: nil when it does not fire within the eighty years that follow, or before the year 2400.
    package func next(after instant: Int, in zone: some TimeZoneRules) -> Int? {
        guard (-Self.latest...Self.latest).contains(instant) else { return nil }
        let offset = zone.offset(at: instant)
        // Around a change of the offset local times are looked at from before it.
        let isNearChange =
            zone.offset(at: instant - Self.day) != offset || zone.offset(at: instant + Self.day) != offset
        var local = instant + offset - (isNearChange && isHourly ? Self.day : 0)
        let end = min(instant + Self.reach, Self.latest)
        var best: Int?
        while let found = nextLocal(after: local, until: end) {
            local = found
            // What comes later in local time can come earlier only within a change of the offset.
            if let best, !isNearChange || found > best + offset + Self.day { return best }
            for candidate in instants(of: found, in: zone) where candidate > instant {
                best = min(best ?? candidate, candidate)
            }
            if best != nil, !isNearChange || !isHourly { return best }
        }
        return best
    }

    /// The instants at which a local time fires.
    private func instants(of local: Int, in zone: some TimeZoneRules) -> [Int] {
        let (before, after) = (zone.offset(at: local - Self.day), zone.offset(at: local + Self.day))
        if before == after, zone.offset(at: local - before) == before { return [local - before] }
        var found: [Int] = []
        for offset in [before, zone.offset(at: local - before), after] {
            let instant = local - offset
            if zone.offset(at: instant) == offset, !found.contains(instant) { found.append(instant) }
        }
        found.sort()
        if isHourly { return found }
        if let first = found.first { return [first] }
        return [
            Self.change(from: local - max(before, after) - Self.day, to: local - min(before, after) + Self.day, zone)
        ]
    }

    /// The first instant after a change of the offset between two instants.
    private static func change(from start: Int, to end: Int, _ zone: some TimeZoneRules) -> Int {
        let offset = zone.offset(at: start)
        var (low, high) = (start, end)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if zone.offset(at: middle) == offset { low = middle } else { high = middle }
        }
        return high
    }

    /// The first local time after another one that fits, in seconds of a clock that knows no zone.
    private func nextLocal(after local: Int, until end: Int) -> Int? {
        let start = local + 1
        var number = Int((Double(start) / Double(Self.day)).rounded(.down))
        var second = start - number * Self.day
        while number * Self.day <= end + Self.day {
            let date = CivilDate(number: number)
            guard months >> UInt64(date.month) & 1 == 1 else {
                number =
                    CivilDate(
                        year: date.month == 12 ? date.year + 1 : date.year, month: date.month % 12 + 1, day: 1
                    ).number
                second = 0
                continue
            }
            if days.fits(date), let time = nextTime(from: second) { return number * Self.day + time }
            number += 1
            second = 0
        }
        return nil
    }

    /// The first time of a day that fits, from a second of the day on.
    private func nextTime(from second: Int) -> Int? {
        guard second < Self.day else { return nil }
        var (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60)
        while let fitting = Self.next(hours, from: hour) {
            if fitting > hour { (minute, second) = (0, 0) }
            hour = fitting
            while let fitting = Self.next(minutes, from: minute) {
                if fitting > minute { second = 0 }
                minute = fitting
                if let second = Self.next(seconds, from: second) { return (hour * 60 + minute) * 60 + second }
                (minute, second) = (minute + 1, 0)
            }
            (hour, minute, second) = (hour + 1, 0, 0)
        }
        return nil
    }

    private static func next(_ bits: UInt64, from value: Int) -> Int? {
        guard value < 64 else { return nil }
        let rest = bits >> UInt64(value)
        return rest == 0 ? nil : value + rest.trailingZeroBitCount
    }

    private static let day = 86_400
    /// Leap days on a certain day of the week come within forty years, but for those around 2100 and 2200.
    private static let reach = 80 * 366 * day
    /// 2400-01-01.
    private static let latest = 13_569_465_600
}
