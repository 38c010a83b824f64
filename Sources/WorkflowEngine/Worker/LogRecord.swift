public import WorkflowCore

/// What a script or the engine has to say to whoever runs it.
public struct LogRecord: Sendable {
    public enum Level: String, Sendable, CaseIterable { case debug, info, warn, error }

    /// Microseconds since 1970.
    public var time: Int64
    public var level: Level
    public var message: String
    public var fields: Value?
    public var workflow: String
    public var run: String
    public var path: String

    package init(
        time: Int64, level: Level, message: String, fields: Value?, workflow: String, run: String, path: String
    ) {
        self.time = time
        self.level = level
        self.message = message
        self.fields = fields
        self.workflow = workflow
        self.run = run
        self.path = path
    }
}
