internal import WorkflowCore

/// The Retry-After header (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// The seconds to wait, never negative; nil when the text is neither form.
    ///
    /// - Parameters:
    ///   - date: the answer's Date header, from which a date is counted; the server's clock may be another one.
    ///   - now: seconds since 1970, for answers without a Date.
    static func seconds(_ text: String, date: String?, now: Int64) -> Int64? {
        let text = text.filter { $0 != "\t" }
        if !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return Int64(text) ?? Int64.max
        }
        guard let moment = moment(text) else { return nil }
        return max(0, moment - (date.flatMap(Self.moment) ?? now))
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func moment(_ text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]),
            (1970...9999).contains(year)
        else { return nil }
        let time = parts[4].split(separator: ":").compactMap { Int64($0) }
        guard time.count == 3, (0..<24).contains(time[0]), (0..<60).contains(time[1]), (0...60).contains(time[2]) else {
            return nil
        }
        let date = CivilDate(year: year, month: month + 1, day: day)
        return Int64(date.number) * 86400 + time[0] * 3600 + time[1] * 60 + time[2]
    }
}
