internal import WorkflowCore

/// Times as ISO 8601 texts in UTC.
enum Timestamp {
    /// Milliseconds since 1970 as `2026-01-31T08:05:00.250Z`.
    static func text(milliseconds: Int64) -> String {
        let day = floorDivision(milliseconds, 86_400_000)
        let time = milliseconds - day * 86_400_000
        let date = CivilDate(number: Int(day))
        // Other years have more digits or a sign.
        guard (0...9999).contains(date.year) else {
            return "\(date.year)" + text(year: 0, date, time).dropFirst(4)
        }
        return text(year: date.year, date, time)
    }

    /// - Parameter time: milliseconds of the day.
    private static func text(year: Int, _ date: CivilDate, _ time: Int64) -> String {
        String(unsafeUninitializedCapacity: 24) { bytes in
            var count = 0
            func put(_ number: Int, _ digits: Int, _ mark: Character) {
                var rest = number
                for place in (count..<count + digits).reversed() {
                    bytes[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                bytes[count + digits] = mark.asciiValue ?? 0
                count += digits + 1
            }
            put(year, 4, "-")
            put(date.month, 2, "-")
            put(date.day, 2, "T")
            put(Int(time / 3_600_000), 2, ":")
            put(Int(time / 60_000 % 60), 2, ":")
            put(Int(time / 1000 % 60), 2, ".")
            put(Int(time % 1000), 3, "Z")
            return count
        }
    }

    /// Microseconds since 1970, of `2026-01-31`, `2026-01-31T08:05:00Z`, the same with a fraction, an offset or without seconds, or
    /// of a number of milliseconds; nil for anything else.
    static func microseconds(_ text: String) -> Int64? {
        let bytes = text.utf8
        if let number = number(bytes.first == UInt8(ascii: "-") ? bytes.dropFirst() : bytes[...], in: 0...(1 << 53)) {
            return (bytes.first == UInt8(ascii: "-") ? -number : number) * 1000
        }
        guard let day = day(bytes.prefix(10)) else { return nil }
        let rest = bytes.dropFirst(10)
        if rest.isEmpty { return day * 86_400_000_000 }
        guard let mark = rest.first, mark == UInt8(ascii: "T") || mark == UInt8(ascii: "t"),
            let (time, offset) = time(rest.dropFirst())
        else { return nil }
        return day * 86_400_000_000 + time - offset * 60_000_000
    }

    private typealias Bytes = String.UTF8View.SubSequence

    /// A number of digits alone.
    private static func number(_ bytes: Bytes, in range: ClosedRange<Int64>) -> Int64? {
        guard !bytes.isEmpty, bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int64(Substring(bytes)), range.contains(number)
        else { return nil }
        return number
    }

    /// `2026-01-31` as days since 1970.
    private static func day(_ bytes: Bytes) -> Int64? {
        let parts = bytes.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], let year = number(parts[0], in: 1...9999),
            let month = number(parts[1], in: 1...12), let day = number(parts[2], in: 1...31)
        else { return nil }
        let date = CivilDate(year: Int(year), month: Int(month), day: Int(day))
        // A day that the month does not have comes out as one of the next.
        guard CivilDate(number: date.number) == date else { return nil }
        return Int64(date.number)
    }

    /// `08:05`, `08:05:00` or `08:05:00.25` in microseconds, with `Z` or an offset in minutes behind it, which may be absent.
    private static func time(_ bytes: Bytes) -> (time: Int64, offset: Int64)? {
        var bytes = bytes
        var offset: Int64 = 0
        if let last = bytes.last, last == UInt8(ascii: "Z") || last == UInt8(ascii: "z") {
            bytes.removeLast()
        } else if let sign = bytes.lastIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }) {
            let parts = bytes[bytes.index(after: sign)...].split(
                separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard parts.map(\.count) == [2, 2], let hours = number(parts[0], in: 0...23),
                let minutes = number(parts[1], in: 0...59)
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[sign] == UInt8(ascii: "-") ? -1 : 1)
            bytes = bytes[..<sign]
        }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), parts[0].count == 2, parts[1].count == 2,
            let hours = number(parts[0], in: 0...23), let minutes = number(parts[1], in: 0...59)
        else { return nil }
        var time = (hours * 60 + minutes) * 60_000_000
        guard parts.count == 3 else { return (time, offset) }
        let pieces = parts[2].split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        // A minute may have a leap second.
        guard pieces[0].count == 2, let seconds = number(pieces[0], in: 0...60) else { return nil }
        time += seconds * 1_000_000
        guard pieces.count == 2 else { return (time, offset) }
        guard pieces[1].count <= 18, number(pieces[1], in: 0...Int64.max) != nil else { return nil }
        let digits = String(decoding: pieces[1].prefix(6), as: UTF8.self)
        time += Int64(digits + String(repeating: "0", count: 6 - digits.utf8.count)) ?? 0
        return (time, offset)
    }

    private static func floorDivision(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}
