internal import FlatValue
internal import WorkflowCore

/// Something that is wrong in a script, its input or the way it was called; every command shows it in the same form.
struct Problem: Equatable {
    enum Severity: String {
        case error, warning
    }

    var severity = Severity.error
    /// What kind of problem it is, such as `syntax`; empty for wrong usage.
    var code = ""
    var message: String
    /// Where: a path, a line from 1, a column from 1. Known from the left to the right.
    var file: String?
    var line: Int?
    var column: Int?
    /// The source line, where the file need not be read for it.
    var excerpt: String?
    /// The place in a definition or a run, such as `enrich/translate.retry`; empty where there is none.
    var path = ""
    /// The other place that has a part in it, as `file:line`.
    var related: String?
    /// More that belongs to it, one line each.
    var notes: [String] = []
    /// Frames of the script, the innermost first.
    var traceback: [String] = []

    init(
        _ message: String, code: String = "", file: String? = nil, line: Int? = nil, column: Int? = nil,
        excerpt: String? = nil
    ) {
        self.message = message
        self.code = code
        self.file = file
        self.line = line
        self.column = column
        self.excerpt = excerpt
    }

    /// The problem as programs read it.
    var value: Value {
        var entries: [(String, Value)] = [
            ("severity", Value(severity.rawValue)), ("code", Value(code)), ("message", Value(message)),
        ]
        if let file { entries.append(("file", Value(file))) }
        if let line { entries.append(("line", Value(Int64(line)))) }
        if let column { entries.append(("column", Value(Int64(column)))) }
        if let source = sourceLine { entries.append(("source", Value(source))) }
        if !path.isEmpty { entries.append(("path", Value(path))) }
        if let related { entries.append(("related", Value(related))) }
        if !notes.isEmpty { entries.append(("notes", Value(array: notes.map { Value($0) }))) }
        if !traceback.isEmpty { entries.append(("traceback", Value(array: traceback.map { Value($0) }))) }
        return Value(entries: entries)
    }

    /// The line of source that it is about, or nil.
    var sourceLine: String? {
        if let excerpt { return excerpt }
        guard let file, let line, case .success(let text) = FileText.read(file, limit: 16 << 20) else { return nil }
        var number = 1
        for row in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if number == line { return String(decoding: row.last == 13 ? row.dropLast() : row, as: UTF8.self) }
            number += 1
        }
        return nil
    }
}

extension Problem {
    /// Makes a problem of an error object of a run: `{ code, message, step?, traceback?, details? }`.
    init(error: Value) {
        self.init(error["message"]?.string ?? "failed", code: error["code"]?.string ?? "")
        if let path = error["step"]?.string, !path.isEmpty, !message.hasPrefix(path + ": ") {
            notes.append("in step '\(path)'")
        }
        traceback = Self.frames(of: error["traceback"]?.string ?? "")
        takeLocation(fallback: error["where"]?.string)
    }

    /// The frames of Lua's text: one a line, without its heading.
    static func frames(of text: String) -> [String] {
        text.split(separator: "\n").map { line in
            let start = line.drop { $0 == " " || $0 == "\t" }
            return String(start)
        }.filter { !$0.isEmpty && !$0.hasPrefix("stack traceback") }
    }

    /// Moves the `file:line: ` that a message begins with (after the paths of steps) to where it belongs.
    mutating func takeLocation(fallback: String? = nil) {
        var rest = message[...]
        var prefix = ""
        // A function of a schema failed while a value was checked.
        for start in ["invalid input: ", "invalid output: "] where rest.hasPrefix(start) {
            prefix = start
            rest = rest.dropFirst(start.count)
        }
        while true {
            if let found = Location(prefixOf: rest) {
                file = found.file
                line = found.line
                message = prefix + rest.dropFirst(found.length)
                return
            }
            // A body's error says first in which step it came up: "alerts[2]/translate: file.lua:3: …".
            guard let colon = rest.firstIndex(of: ":"),
                let space = rest.index(colon, offsetBy: 1, limitedBy: rest.endIndex),
                space < rest.endIndex, rest[space] == " ", !rest[..<colon].contains(" ")
            else { break }
            prefix += rest[...space]
            rest = rest[rest.index(after: space)...]
        }
        if let fallback, let found = Location(fallback) {
            file = found.file
            line = found.line
        }
    }
}

/// `file:line`, as Lua writes it.
struct Location {
    var file: String
    var line: Int
    /// The characters that it takes in front of a message, its colon and blank included.
    var length: Int

    /// Reads `file:line: ` at the beginning of a message. A path may hold colons, but no line break and no quote.
    init?(prefixOf text: Substring) {
        var search = text.startIndex
        while let colon = text[search...].firstIndex(of: ":") {
            let digits = text[text.index(after: colon)...].prefix { $0.isASCII && $0.isNumber }
            let end = text[digits.endIndex...]
            if !digits.isEmpty, end.hasPrefix(": "), let line = Int(digits) {
                let file = String(text[..<colon])
                guard !file.isEmpty, !file.contains(where: { "\n'\"".contains($0) }) else { return nil }
                self.file = file
                self.line = line
                length = text.distance(from: text.startIndex, to: digits.endIndex) + 2
                return
            }
            guard !text[search..<colon].contains(" "), !end.hasPrefix(" ") else { return nil }
            search = text.index(after: colon)
        }
        return nil
    }

    init?(_ text: String) { self.init(prefixOf: (text + ": ")[...]) }
}
