internal import Platform
internal import WorkflowCore

/// Moments as people write and read them.
enum TimeText {
    /// A moment in the machine's time zone, which it names: `2026-11-23 06:31:02+01:00`; takes microseconds since 1970.
    static func text(microseconds: Int64) -> String {
        var seconds = time_t(microseconds / 1_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return text(parts, ahead: parts.tm_gmtoff)
    }

    /// A moment in a zone that is so many seconds ahead of UTC.
    static func text(microseconds: Int64, ahead: Int) -> String {
        var seconds = time_t(microseconds / 1_000_000) + ahead
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return text(parts, ahead: ahead)
    }

    private static func text(_ parts: tm, ahead: Int) -> String {
        func padded(_ number: Int32, _ digits: Int = 2) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(digits - text.count, 0)) + text
        }
        let day = [padded(parts.tm_year + 1900, 4), padded(parts.tm_mon + 1), padded(parts.tm_mday)]
        let time = [padded(parts.tm_hour), padded(parts.tm_min), padded(parts.tm_sec)]
        let ahead = Int32(clamping: ahead / 60)
        let zone =
            ahead == 0 ? "Z" : (ahead < 0 ? "-" : "+") + padded(abs(ahead) / 60) + ":" + padded(abs(ahead) % 60)
        return day.joined(separator: "-") + " " + time.joined(separator: ":") + zone
    }

    /// Reads a moment: a duration before `now` such as `2h`, or a date or time in ISO 8601 such as `2026-11-23`,
    /// `2026-11-23T06:30` or `2026-11-23T06:30:00Z`; without a zone it is the machine's.
    static func microseconds(_ text: String, before now: Int64) -> Int64? {
        if let duration = DurationText.microseconds(text), text.last?.isLetter == true { return now - duration }
        let pattern =
            #/(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?\s*(Z|[+-]\d\d:?\d\d)?/#
        guard let match = text.wholeMatch(of: pattern) else { return nil }
        var parts = tm()
        parts.tm_year = (Int32(match.1) ?? 0) - 1900
        parts.tm_mon = (Int32(match.2) ?? 0) - 1
        parts.tm_mday = Int32(match.3) ?? 0
        parts.tm_hour = match.4.flatMap { Int32($0) } ?? 0
        parts.tm_min = match.5.flatMap { Int32($0) } ?? 0
        parts.tm_sec = match.6.flatMap { Int32($0) } ?? 0
        let date = CivilDate(year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday))
        // A day that the month does not have comes out as one of the next.
        guard (0..<12).contains(parts.tm_mon), (1...31).contains(parts.tm_mday),
            CivilDate(number: date.number) == date, parts.tm_hour < 24, parts.tm_min < 60, parts.tm_sec < 60
        else { return nil }
        parts.tm_isdst = -1
        guard let zone = match.7 else { return Int64(mktime(&parts)) * 1_000_000 }
        return offset(zone).map { (Int64(timegm(&parts)) - $0) * 1_000_000 }
    }

    /// The seconds that a zone such as `+01:00` is ahead of UTC; nil where there is none such.
    private static func offset(_ zone: Substring) -> Int64? {
        let digits = zone.filter(\.isNumber)
        guard digits.count == 4, let number = Int64(digits) else { return 0 }
        guard number / 100 < 24, number % 100 < 60 else { return nil }
        let seconds = (number / 100) * 3600 + (number % 100) * 60
        return zone.first == "-" ? -seconds : seconds
    }
}
