/// One field of a cron expression.
struct CronField {
    /// Bit `n` is set where the value `n` fits.
    private(set) var bits: UInt64 = 0
    /// All values fit, and the field restricts nothing. One of days that lists every day restricts by its words.
    private(set) var isEvery = false
    /// `L` as a day of the month.
    private(set) var hasLast = false
    /// `day#n` and `dayL`, see ``CronDays``.
    private(set) var nth: UInt64 = 0
    private let kind: Kind

    enum Kind: String {
        case second, minute, hour
        case dayOfMonth = "day of the month"
        case month
        case dayOfWeek = "day of the week"

        var values: ClosedRange<Int> {
            switch self {
            case .second, .minute: 0...59
            case .hour: 0...23
            case .dayOfMonth: 1...31
            case .month: 1...12
            case .dayOfWeek: 0...7
            }
        }

        fileprivate var names: [String] {
            switch self {
            case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
            case .dayOfWeek: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
            default: []
            }
        }
    }

    init(_ kind: Kind, _ text: String) throws(CronError) {
        self.kind = kind
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            try add(part.lowercased())
        }
        if kind == .dayOfWeek {
            // Sunday has two numbers.
            if bits >> 7 & 1 == 1 { bits |= 1 }
            bits &= 0x7F
        }
        if kind != .dayOfMonth, kind != .dayOfWeek { isEvery = kind.values.allSatisfy { bits >> UInt64($0) & 1 == 1 } }
    }

    private mutating func add(_ part: String) throws(CronError) {
        if kind == .dayOfMonth, part == "l" {
            hasLast = true
            return
        }
        if kind == .dayOfWeek, try addNth(part) { return }
        let pieces = part.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let span = pieces.first, pieces.count <= 2 else { throw wrong(part) }
        var step = 1
        if pieces.count == 2 {
            guard let number = Self.number(pieces[1]), number >= 1 else { throw wrong(part) }
            step = number
        }
        var (first, last) = (kind.values.lowerBound, kind == .dayOfWeek ? 6 : kind.values.upperBound)
        if span == "*" || span == "?" {
            if step == 1 { isEvery = true }
        } else {
            let ends = span.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            guard ends.count <= 2, let from = ends.first, let begin = value(from) else { throw wrong(part) }
            first = begin
            if ends.count == 2 {
                guard let end = value(ends[1]) else { throw wrong(part) }
                last = end
            } else if pieces.count == 1 {
                last = begin
            }
        }
        set(first, last, step)
    }

    /// Sets every `step`th value of a range; one whose end is before its beginning goes round.
    private mutating func set(_ first: Int, _ last: Int, _ step: Int) {
        let smallest = kind.values.lowerBound
        let count = (kind == .dayOfWeek ? 6 : kind.values.upperBound) - smallest + 1
        let length = last >= first ? last - first : last + count - first
        for offset in stride(from: 0, through: max(length, 0), by: min(step, 64)) {
            let value = first + offset
            bits |= 1 << UInt64(value <= kind.values.upperBound ? value : value - count)
        }
    }

    /// Reads `day#n` and `dayL`; false where the part is neither.
    private mutating func addNth(_ part: String) throws(CronError) -> Bool {
        if part.hasSuffix("l"), part.count > 1 {
            guard let day = value(String(part.dropLast())) else { throw wrong(part) }
            nth |= 1 << UInt64(35 + day % 7)
            return true
        }
        let pieces = part.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
        guard pieces.count > 1 else { return false }
        guard pieces.count == 2, let day = value(pieces[0]), let number = Self.number(pieces[1]),
            (1...5).contains(number)
        else { throw wrong(part) }
        nth |= 1 << UInt64(7 * (number - 1) + day % 7)
        return true
    }

    private func value(_ text: String) -> Int? {
        if let index = kind.names.firstIndex(of: text) { return index + (kind == .month ? 1 : 0) }
        guard let number = Self.number(text), kind.values.contains(number) else { return nil }
        return number
    }

    /// Digits alone, not more than a few.
    private static func number(_ text: String) -> Int? {
        guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    private func wrong(_ part: String) -> CronError {
        let values = kind.values
        let names = kind.names.isEmpty ? "" : " or names such as \(kind.names[1].uppercased())"
        return CronError(
            "'\(part)' is no \(kind.rawValue): write numbers from \(values.lowerBound) to \(values.upperBound)\(names), "
                + "'*', 'a-b', '*/n', or several of them with commas")
    }
}
