/// When a schedule fires, as cron writes it.
///
/// Five fields: minute, hour, day of the month, month, day of the week; with six, seconds stand before them. A field is a
/// list of `*`, numbers, names (`JAN`, `MON`), ranges `a-b`, which may go round (`FRI-MON`), and steps `/n`. `?` is `*`. A day
/// of the month may be `L`, the last one; a day of the week `5L`, the last Friday of the month, or `5#2`, the second one;
/// Sunday is 0 or 7. Where both days are restricted, either is enough. `@yearly`, `@annually`, `@monthly`, `@weekly`,
/// `@daily`, `@midnight` and `@hourly` stand for what they say.
package struct CronExpression: Sendable, Hashable {
    /// The text that it was read from.
    package let text: String
    /// Bit sets of the values that fit.
    let seconds: UInt64
    let minutes: UInt64
    let hours: UInt64
    let months: UInt64
    let days: CronDays
    /// The hour is `*`: what fits follows the time that passes, also through hours that come twice or not at all.
    let isHourly: Bool

    /// - Throws: ``CronError``.
    package init(_ text: String) throws(CronError) {
        self.text = text
        var fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        if fields.count == 1, let first = fields.first, first.hasPrefix("@") {
            guard let long = Self.nicknames[first.lowercased()] else {
                throw CronError(
                    "'\(first)' is unknown; there are \(Self.nicknames.keys.sorted().joined(separator: ", "))")
            }
            fields = long.split(separator: " ").map(String.init)
        }
        guard fields.count == 5 || fields.count == 6 else {
            throw CronError(
                "it has \(fields.count) fields; write minute, hour, day of the month, month and day of the week, such as "
                    + "'0 9 * * 1-5', or six fields that begin with the second")
        }
        if fields.count == 5 { fields.insert("0", at: 0) }
        seconds = try CronField(.second, fields[0]).bits
        minutes = try CronField(.minute, fields[1]).bits
        let hour = try CronField(.hour, fields[2])
        hours = hour.bits
        isHourly = hour.isEvery
        months = try CronField(.month, fields[4]).bits
        days = CronDays(try CronField(.dayOfMonth, fields[3]), try CronField(.dayOfWeek, fields[5]))
        guard days.canFit(months: months) else { throw CronError("no day fits it, in any year") }
    }

    private static let nicknames = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]
}

/// Why a text is no cron expression, in words that follow `cron '…': `.
package struct CronError: Error, Equatable {
    package let message: String

    init(_ message: String) { self.message = message }
}

/// Which days fit: the two day fields of an expression together.
struct CronDays: Sendable, Hashable {
    private let ofMonth: UInt64
    private let isLastOfMonth: Bool
    private let ofWeek: UInt64
    /// Bit `7 * (n - 1) + day` for the `n`th such day of the month; bit `35 + day` for the last one.
    private let nth: UInt64
    /// Both fields say something, and either is enough.
    private let isEither: Bool

    init(_ month: CronField, _ week: CronField) {
        ofMonth = month.bits
        isLastOfMonth = month.hasLast
        ofWeek = week.bits
        nth = week.nth
        isEither = !month.isEvery && !week.isEvery
    }

    func fits(_ date: CivilDate) -> Bool {
        let last = date.daysInMonth
        let month = ofMonth >> UInt64(date.day) & 1 == 1 || (isLastOfMonth && date.day == last)
        let day = UInt64(date.dayOfWeek)
        let week =
            ofWeek >> day & 1 == 1 || nth >> (UInt64((date.day - 1) / 7) * 7 + day) & 1 == 1
            || (nth >> (35 + day) & 1 == 1 && date.day + 7 > last)
        return isEither ? month || week : month && week
    }

    /// Whether there is a month in which a day of the month can come; days of the week come in each.
    func canFit(months: UInt64) -> Bool {
        if isEither || isLastOfMonth { return true }
        return (1...12).contains { month in
            months >> UInt64(month) & 1 == 1
                && ofMonth & ((2 << UInt64(CivilDate.longest(month: month))) - 1) != 0
        }
    }
}
