public import FlatValue
internal import WorkflowCore

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
    /// The trace that the run was started in, as W3C's `traceparent`; nil where it has one of its own.
    package var traceparent: String?

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

extension LogRecord {
    /// What a frame of a run has to say now, without what schemas call secret. Worker's thread only.
    @inline(never)
    package init(
        of run: Run, frame: Int32, time: Int64, level: Level, message: String, fields: Value? = nil
    ) {
        let path = run.machine.frames.indices.contains(Int(frame)) ? run.machine.path(of: frame) : ""
        let redaction = run.readSecrets()
        self.init(
            time: time, level: level, message: redaction.redact(message), fields: fields.map { redaction.redact($0) },
            workflow: run.plan.id, run: run.id, path: path)
        traceparent = run.traceparent
    }
}
