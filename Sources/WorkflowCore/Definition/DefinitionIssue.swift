public import FlatValue

/// One thing that is wrong, or doubtful, in a workflow's definition.
public struct DefinitionIssue: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Severity: String, Sendable, CaseIterable {
        /// The definition is refused.
        case error
        /// The definition runs, but probably not as it was meant.
        case warning
    }

    /// What is wrong, where in the workflow, and what would be right: a sentence that stands alone.
    public var message: String
    /// Where the script wrote it, as `file:line`.
    public var location: String?
    /// The node's place in the tree and the key, such as `enrich/translate.retry.jitter`.
    public var path: String
    /// What kind of mistake it is, such as `unknown_key`.
    public var code: String
    public var severity: Severity
    /// The other place that has a part in it, as `file:line`.
    public var related: String?

    public init(
        message: String, location: String? = nil, path: String, code: String, severity: Severity = .error,
        related: String? = nil
    ) {
        self.message = message
        self.location = location
        self.path = path
        self.code = code
        self.severity = severity
        self.related = related
    }

    /// `file:line: error: message`, as compilers write it.
    public var description: String {
        let place = location.map { $0 + ": " } ?? ""
        let also = related.map { " (see \($0))" } ?? ""
        return "\(place)\(severity.rawValue): \(message)\(also)"
    }

    /// The issue as programs read it: `{ severity, code, message, path, location?, related? }`.
    public var value: Value {
        var entries: [(String, Value)] = [
            ("severity", Value(severity.rawValue)), ("code", Value(code)), ("message", Value(message)),
            ("path", Value(path)),
        ]
        if let location { entries.append(("location", Value(location))) }
        if let related { entries.append(("related", Value(related))) }
        return Value(entries: entries)
    }
}

/// A definition was refused; all that is wrong with it comes at once.
public struct DefinitionError: Error, Equatable, Sendable, CustomStringConvertible {
    public let issues: [DefinitionIssue]

    public init(issues: [DefinitionIssue]) { self.issues = issues }

    public var description: String { issues.map(\.description).joined(separator: "\n") }
}
