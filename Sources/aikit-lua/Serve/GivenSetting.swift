internal import FlatValue
internal import HostEffects
internal import WorkflowCore

/// What somebody says of a setting: a value of `aikit.json`, or the text of a variable or a flag.
struct GivenSetting {
    let value: Value
    /// Whence it is, for errors: `--port`, `AIKIT_PORT`, `aikit.json: port`.
    let source: String

    func text() throws(UsageError) -> String {
        guard let text = value.string else { throw UsageError("\(source) has to be a text") }
        return text
    }

    /// A text that is not empty.
    func name() throws(UsageError) -> String {
        let text = try text()
        if text.isEmpty { throw UsageError("\(source) is empty") }
        return text
    }

    /// The path of routes with a slash at its beginning and none at its end; empty for none.
    func route() throws(UsageError) -> String {
        let parts = try text().split(separator: "/")
        for part in parts {
            // What stands in an address as it is, whoever writes it; a client takes `.` and `..` out of it.
            let isPlain = part.utf8.allSatisfy { byte in
                byte < 128 && (Unicode.Scalar(byte).properties.isAlphabetic || Self.isDigit(byte))
                    || "-._~".utf8.contains(byte)
            }
            guard isPlain, part != ".", part != ".." else {
                throw UsageError(
                    "\(source) takes a path such as /workflows, of letters, digits and -._~, got '\(value.string ?? "")'"
                )
            }
        }
        return parts.map { "/" + $0 }.joined()
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    func number(_ range: ClosedRange<Int>) throws(UsageError) -> Int {
        guard let number = value.int.flatMap({ Int(exactly: $0) }) ?? value.string.flatMap({ Int($0) }),
            range.contains(number)
        else { throw UsageError("\(source) has to be a number from \(range.lowerBound) to \(range.upperBound)") }
        return number
    }

    func flag() throws(UsageError) -> Bool {
        switch value.bool.map({ String($0) }) ?? value.string {
        case "true", "1": return true
        case "false", "0": return false
        default: throw UsageError("\(source) has to be true or false")
        }
    }

    func list() throws(UsageError) -> [String] {
        if let items = value.array {
            let texts = items.compactMap(\.string)
            if texts.count == items.count { return texts }
        } else if let text = value.string {
            return text.split(separator: ",").map(String.init)
        }
        throw UsageError("\(source) has to be a list of texts")
    }

    /// Origins of pages, such as `https://app.example`, or `*`.
    func origins() throws(UsageError) -> [String] {
        let origins = try list()
        for origin in origins where origin != "*" {
            let parts = origin.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0].hasSuffix(":"), parts[0] != ":", parts[1].isEmpty, !parts[2].isEmpty else {
                throw UsageError("\(source) takes origins such as https://app.example, or *, got '\(origin)'")
            }
        }
        return origins
    }

    func choice(of words: [String]) throws(UsageError) -> String {
        guard let word = value.string, words.contains(word) else {
            let last = words.last.map { " or \($0)" } ?? ""
            throw UsageError(
                "\(source) takes \(words.dropLast().joined(separator: ", "))\(last), got '\(value.string ?? value.json)'"
            )
        }
        return word
    }

    func choice<Choice: RawRepresentable & CaseIterable>() throws(UsageError) -> Choice
    where Choice.RawValue == String {
        let word = try choice(of: Choice.allCases.map(\.rawValue))
        guard let choice = Choice(rawValue: word) else { throw UsageError("\(source) cannot be '\(word)'") }
        return choice
    }

    /// In microseconds.
    func duration() throws(UsageError) -> Int64 {
        guard let time = DurationText.microseconds(try text()), time >= 0 else {
            throw UsageError("\(source) takes a duration such as 30s")
        }
        return time
    }

    /// In bytes.
    func size() throws(UsageError) -> Int {
        guard let size = Self.bytes(value.int.map { String($0) } ?? value.string ?? "") else {
            throw UsageError("\(source) takes a size such as 10MiB")
        }
        return size
    }

    /// `10MiB`, `512KiB`, `1GiB` or a number of bytes; at most a gibibyte.
    private static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number > 0 else { return nil }
        let units = ["": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30]
        guard let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: unit)
        return overflows || bytes > 1 << 30 ? nil : bytes
    }

    func scope() throws(UsageError) -> Permissions.Scope {
        if let all = value.bool { return Permissions.Scope(all ? [Permissions.everything] : []) }
        if let text = value.string { return Permissions.Scope([text]) }
        return Permissions.Scope(names: try list())
    }

    func hosts() throws(UsageError) -> Permissions.Scope {
        try value.bool == nil ? Permissions.Scope(hosts: list()) : scope()
    }

    /// `true` means shared processes.
    func isolation() throws(UsageError) -> IsolationChoice {
        if let isApart = value.bool { return isApart ? .shared : .inProcess }
        return try choice()
    }
}
