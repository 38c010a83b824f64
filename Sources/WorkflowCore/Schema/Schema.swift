/// A compiled schema.
public final class Schema: Sendable {
    /// What validating a value came to.
    public enum Outcome: Sendable {
        case unchanged
        case rewritten(Slice)
        case invalid([SchemaIssue])
    }

    public init() {}

    /// Validates a value that lies in the arena; a value that has to be rewritten is appended to it.
    public func validate(_ input: Slice, in arena: inout ByteArena, functions: (any SchemaFunctions)? = nil) -> Outcome {
        .unchanged
    }
}

/// The callbacks of a script that a schema asks.
public protocol SchemaFunctions {}

/// One way in which a value does not conform.
public struct SchemaIssue: Sendable {
    public var path: String
    public var code: String
    public var message: String

    public static func summary(_ issues: [SchemaIssue]) -> String { issues.map(\.message).joined(separator: "; ") }
}
