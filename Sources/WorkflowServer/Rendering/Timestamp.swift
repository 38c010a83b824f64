internal import WorkflowCore

/// Times as ISO 8601 texts in UTC.
enum Timestamp {
    /// Milliseconds since 1970 as `2026-01-31T08:05:00.250Z`.
    static func text(milliseconds: Int64) -> String {
        let day = floorDivision(milliseconds, 86_400_000)
        let time = milliseconds - day * 86_400_000
        let date = CivilDate(number: Int(day))
        return "\(padded(Int64(date.year), 4))-\(padded(Int64(date.month), 2))-\(padded(Int64(date.day), 2))"
            + "T\(padded(time / 3_600_000, 2)):"
            + "\(padded(time / 60_000 % 60, 2)):\(padded(time / 1000 % 60, 2)).\(padded(time % 1000, 3))Z"
    }

    /// Microseconds since 1970, of `2026-01-31`, `2026-01-31T08:05:00Z`, the same with a fraction or an offset, or of
    /// a number of milliseconds; nil for anything else.
    static func microseconds(_ text: String) -> Int64? {
        if let number = Int64(text), number.magnitude < 1 << 53 { return number * 1000 }
        let parts = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
        let date = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard date.count == 3, let year = date[0], let month = date[1], let day = date[2], (1...9999).contains(year),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let days = Int64(CivilDate(year: Int(year), month: Int(month), day: Int(day)).number)
        var result = days * 86_400_000_000
        guard parts.count == 2 else { return result }
        var time = parts[1]
        var offset: Int64 = 0
        if time.hasSuffix("Z") {
            time = time.dropLast()
        } else if let sign = time.lastIndex(where: { $0 == "+" || $0 == "-" }) {
            let fields = time[time.index(after: sign)...].split(separator: ":").map { Int64($0) }
            guard fields.count == 2, let hours = fields[0], let minutes = fields[1], hours <= 14, minutes < 60 else {
                return nil
            }
            offset = (hours * 60 + minutes) * (time[sign] == "-" ? -1 : 1)
            time = time[..<sign]
        }
        let fields = time.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(fields.count), let hours = Int64(fields[0]), let minutes = Int64(fields[1]),
            let seconds = fields.count == 3 ? Double(fields[2]) : 0, (0...23).contains(hours),
            (0...59).contains(minutes),
            (0..<61).contains(seconds)
        else { return nil }
        result += (hours * 3600 + (minutes - offset) * 60) * 1_000_000 + Int64(seconds * 1_000_000)
        return result
    }

    private static func floorDivision(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let text = "\(value)"
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
