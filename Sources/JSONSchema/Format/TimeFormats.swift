/// Dates, times (RFC 3339) and durations (its appendix A).
enum TimeFormats {
    static func isDateTime(_ text: UnsafeRawBufferPointer) -> Bool {
        var scanner = ByteScanner(text)
        return date(&scanner) && scanner.takeLetter("T") && time(&scanner) && scanner.isAtEnd
    }

    static func isDate(_ text: UnsafeRawBufferPointer) -> Bool {
        var scanner = ByteScanner(text)
        return date(&scanner) && scanner.isAtEnd
    }

    static func isTime(_ text: UnsafeRawBufferPointer) -> Bool {
        var scanner = ByteScanner(text)
        return time(&scanner) && scanner.isAtEnd
    }

    private static func date(_ scanner: inout ByteScanner) -> Bool {
        guard let year = scanner.number(digits: 4), scanner.take("-"), let month = scanner.number(digits: 2),
            scanner.take("-"),
            let day = scanner.number(digits: 2), 1...12 ~= month
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return 1...days[month - 1] ~= day
    }

    private static func time(_ scanner: inout ByteScanner) -> Bool {
        guard let hour = scanner.number(digits: 2), scanner.take(":"), let minute = scanner.number(digits: 2),
            scanner.take(":"),
            let second = scanner.number(digits: 2), hour < 24, minute < 60, second <= 60
        else { return false }
        if scanner.take("."), scanner.skipDigits() == 0 { return false }
        var offset = 0
        if !scanner.takeLetter("Z") {
            let sign = scanner.take("+") ? 1 : scanner.take("-") ? -1 : 0
            guard sign != 0, let hours = scanner.number(digits: 2), scanner.take(":"),
                let minutes = scanner.number(digits: 2),
                hours < 24, minutes < 60
            else { return false }
            offset = sign * (hours * 60 + minutes)
        }
        if second < 60 { return true }
        // Leap seconds are the last of a day in UTC.
        let utc = hour * 60 + minute - offset
        return (utc % 1440 + 1440) % 1440 == 1439
    }

    static func isDuration(_ text: UnsafeRawBufferPointer) -> Bool {
        var scanner = ByteScanner(text)
        guard scanner.take("P") else { return false }
        // Units come in order and without gaps: years, months, days; hours, minutes, seconds; weeks stand alone.
        if let unit = units(&scanner, "W"), unit > 0 { return scanner.isAtEnd }
        scanner.position = 1
        guard let dates = units(&scanner, "YMD") else { return false }
        if scanner.take("T") {
            guard let times = units(&scanner, "HMS"), times > 0 else { return false }
        } else if dates == 0 {
            return false
        }
        return scanner.isAtEnd
    }

    /// Reads numbers with units that must be neighbours in `letters`; returns how many there were, or nil where one is wrong.
    private static func units(_ scanner: inout ByteScanner, _ letters: String) -> Int? {
        var remaining = Array(letters.utf8)[...]
        var count = 0
        while let byte = scanner.peek, byte.isDigit {
            _ = scanner.skipDigits()
            guard let unit = scanner.next(), let place = remaining.firstIndex(of: unit),
                count == 0 || place == remaining.startIndex
            else { return nil }
            remaining = remaining[(place + 1)...]
            count += 1
        }
        return count
    }
}
