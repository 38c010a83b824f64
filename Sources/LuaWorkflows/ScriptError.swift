internal import FlatValue
internal import LuaAnalysis
internal import LuaRuntime
public import WorkflowCore

/// One thing that is wrong with a script, at its place.
public struct ScriptDiagnostic: Sendable, Equatable {
    public var code: String
    public var severity = DefinitionIssue.Severity.error
    public var message: String
    public var file: String?
    public var line: Int?
    /// The source line.
    public var excerpt: String?
    /// The script's frames, one a line, the innermost first.
    public var traceback: String?
    /// The place in the definition that it is about, such as `risk: wind`.
    public var path: String?
    /// The other place that has a part in it, as `file:line`.
    public var related: String?
}

/// Why a script could not be loaded: everything that is wrong with it at once.
public struct ScriptError: WorkflowError {
    public var diagnostics: [ScriptDiagnostic]

    public var code: String { diagnostics.first?.code ?? "error" }

    public var message: String { description }

    public var description: String {
        diagnostics.map { diagnostic in
            guard let file = diagnostic.file else { return diagnostic.message }
            return "\(file)\(diagnostic.line.map { ":\($0)" } ?? ""): \(diagnostic.message)"
        }.joined(separator: "\n")
    }

    package init(code: String, file: String, message: String) {
        diagnostics = [ScriptDiagnostic(code: code, message: message, file: file)]
    }

    static let notText = "this line is not UTF-8; save the file with that encoding"

    /// The process or the system has no file descriptor left to read or load a script with; the script itself may be whole.
    package static let noDescriptorCode = "no_descriptor"
    /// The process that loads scripts cannot be started; the script itself may be whole.
    package static let noProcessCode = "no_process"

    /// Whether it says nothing of the script, which may load when it is tried again.
    package var isPassing: Bool { code == Self.noDescriptorCode || code == Self.noProcessCode }

    /// - Parameter why: the words of the system.
    package static func noDescriptor(_ why: String) -> String {
        "no file descriptor is left (\(why)); let the process have more, as with ulimit -n"
    }

    init(reading path: String, _ error: ScriptFiles.ReadError) {
        switch error {
        case .missing: self.init(code: "no_such_file", file: path, message: "there is no such file")
        case .directory: self.init(code: "is_directory", file: path, message: "this is a folder; name a .lua file")
        case .outside:
            self.init(code: "unreadable", file: path, message: "this is a symbolic link that leads out of the project")
        case .notText(let line):
            self.init(code: "not_utf8", file: path, message: Self.notText)
            diagnostics[0].line = line
        case .noDescriptor(let why):
            self.init(
                code: Self.noDescriptorCode, file: path, message: "cannot be read now: " + Self.noDescriptor(why))
        case .failed(let why): self.init(code: "unreadable", file: path, message: "cannot be read: \(why)")
        }
    }

    /// The longest message of an error of the VM, in bytes.
    private static let longestMessage = 16 << 10

    /// An error of the VM, with the source lines that it speaks of.
    init(_ error: LuaError, host: ScriptHost, bundle: ScriptBundle) {
        let files = [bundle.script] + host.files
        func diagnostic(_ code: String, _ message: String, _ location: String?, _ traceback: String?)
            -> ScriptDiagnostic
        {
            var (code, place, related) = (code, location.flatMap(Self.place), String?.none)
            var text = Self.bounded(message)
            if let location, text.hasPrefix(location + ": ") { text.removeFirst(location.count + 2) }
            // A module that does not compile is blamed on itself rather than on who requires it.
            if let inner = Self.leadingPlace(of: text), let module = Self.place(inner),
                host.files.contains(where: { $0.path == module.file })
            {
                text.removeFirst(inner.count + 2)
                (code, place, related) = ("syntax", module, location)
            }
            let excerpt = place.flatMap { Self.line($0.line, of: $0.file, in: files) }
            if code == "syntax", let place {
                text += SyntaxHint.text(
                    for: text, line: excerpt,
                    before: (1..<max(place.line, 1)).suffix(SyntaxHint.lookBack).compactMap {
                        Self.line($0, of: place.file, in: files)
                    })
            }
            return ScriptDiagnostic(
                code: code, message: text, file: place?.file ?? bundle.script.path, line: place?.line,
                excerpt: excerpt, traceback: traceback, related: related)
        }
        if error.code == "invalid_definition", !host.refused.isEmpty {
            diagnostics = host.refused.map { issue in
                var result = diagnostic(issue.code, issue.message, issue.location, nil)
                result.severity = issue.severity
                result.path = issue.path
                result.related = issue.related
                return result
            }
        } else {
            diagnostics = [
                diagnostic(
                    error.code, error.message,
                    error.location ?? Self.leadingPlace(of: error.message) ?? Self.innermostPlace(of: error.traceback),
                    error.traceback)
            ]
        }
    }

    /// The beginning of a message that nobody reads to its end.
    private static func bounded(_ message: String) -> String {
        let beginning = message.beginning(utf8: longestMessage)
        let rest = message.utf8.count - beginning.utf8.count
        return rest == 0 ? message : beginning + "… (\(rest) bytes more)"
    }

    /// Takes `file:line` apart.
    static func place(_ location: String) -> (file: String, line: Int)? {
        guard let colon = location.lastIndex(of: ":"), let line = Int(location[location.index(after: colon)...]) else {
            return nil
        }
        return (String(location[..<colon]), line)
    }

    /// The `file:line` that a message begins with.
    private static func leadingPlace(of message: String) -> String? {
        guard let end = message.range(of: ": ")?.lowerBound else { return nil }
        let candidate = String(message[..<end])
        return place(candidate) == nil ? nil : candidate
    }

    /// The `file:line` of the first frame.
    private static func innermostPlace(of traceback: String?) -> String? {
        let frames = traceback?.split(separator: "\n").map { $0.drop { $0 == "\t" || $0 == " " } } ?? []
        return frames.lazy.compactMap { leadingPlace(of: String($0)) }.first
    }

    /// More of a line than anybody reads.
    private static let excerptLimit = 4096

    private static func line(_ number: Int, of path: String, in files: [ScriptBundle.File]) -> String? {
        guard let file = files.first(where: { $0.path == path }), number > 0 else { return nil }
        var rest = file.source[...]
        for _ in 1..<number {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            rest = rest[(end + 1)...]
        }
        var line = rest.prefix { $0 != UInt8(ascii: "\n") }.prefix(excerptLimit)
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }
}

extension String {
    /// Where a text first stands.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
