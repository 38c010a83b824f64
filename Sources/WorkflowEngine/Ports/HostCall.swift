public import FlatValue

/// One thing that the code of a step asks of the world outside.
///
/// It is a value and names everything that permissions, traces, budgets and records need to know, so it may be carried out
/// in another process.
public struct HostCall: Sendable {
    /// The name of the operation, such as `http`. One that a script calls by `aikit.host "orders"` begins with ``ownPrefix``.
    public var operation: String
    public var payload: Value
    /// The id of the workflow.
    public var workflow: String
    /// The id of the run.
    public var run: String
    /// The place of the step in the run, such as `enrich[3]/translate`.
    public var path: String
    /// Which attempt of which start of the step it is, each from 1.
    public var attempt = 1
    public var occurrence = 1
    /// What stands behind the path of a call that is not the step's own work, but undoes it or tells of the end of the run.
    public var part = ""
    /// The hash of the script that the run began with; empty for workflows written in Swift.
    public var generation = ""
    /// What the run may do, as its journal holds it; nil when the process decides.
    public var grant: Value?
    /// What narrows that for the step: what the workflow, the step and all between them say as `permissions`, the innermost first.
    public var limits: [Value] = []
    /// How long the attempt may still take when the call begins; nil for any time. The engine cancels the operation then.
    public var timeLeft: Duration?
    /// The trace that the run was started in, as W3C's `traceparent`; nil for one of its own.
    public var traceparent: String?
    /// Whether nobody makes spans of the run.
    package var isTraceOff = false
    /// Where ``progress(_:)`` goes; nil where nobody hears of it.
    package var stream: (@Sendable (Value) -> Void)?

    /// The beginning of the names of operations that are a program's own.
    public static let ownPrefix = "host."

    /// The name of an operation as its callers know it: of a program's own without ``ownPrefix``.
    package static func knownName(of operation: String) -> String {
        operation.hasPrefix(ownPrefix) ? String(operation.dropFirst(ownPrefix.count)) : operation
    }

    public init(
        _ operation: String, payload: Value = .null, workflow: String = "", run: String = "", path: String = "",
        grant: Value? = nil
    ) {
        self.operation = operation
        self.payload = payload
        self.workflow = workflow
        self.run = run
        self.path = path
        self.grant = grant
    }

    /// Tells whoever watches the run of something that is kept nowhere: in the order of the calls and before the answer. Any
    /// thread; no-op once the step's call has ended.
    public func progress(_ data: Value) { stream?(data) }

    /// The same at every attempt of this start of the step, also in another process after a crash: what a service needs to know a
    /// request that it has served before.
    public var idempotencyKey: String { "\(run)/\(path)#\(occurrence)\(part)" }
}

/// The answer to a host call: a value, or an error object.
public struct HostAnswer: Sendable {
    public var ok: Bool
    /// The value; the error `{ code, message, retryable?, details? }` unless ``ok``.
    public var value: Value
    /// What the journal keeps of the operation besides: the call of a model, as ``EventKind/modelCalled``, or `{ span }` of
    /// anything else, as ``EventKind/traced``. What a model was asked (`input`) and said (`output`) is kept where the run's
    /// trace records it. `secrets` are the values in the answer that are never shown; those of `secretsInOutput` are kept only
    /// where `output` is.
    package var usage: Value?
    /// Kept as long as the answer is: what it takes of a limit of the process.
    package var holding: (any Sendable)?
    /// The number of the script's span in which the operation was asked for, 0 for none; nil where nobody knows. Set by the engine.
    package var span: Int64?

    package init(ok: Bool, value: Value) {
        self.ok = ok
        self.value = value
    }

    public static func success(_ value: Value) -> HostAnswer { HostAnswer(ok: true, value: value) }

    /// - Parameter retryable: whether trying the step again may help; nil leaves it to the step.
    public static func failure(code: String, message: String, retryable: Bool? = nil, details: Value? = nil)
        -> HostAnswer
    {
        var entries: [(String, Value)] = [("code", Value(code)), ("message", Value(message))]
        if let retryable { entries.append(("retryable", Value(retryable))) }
        if let details { entries.append(("details", details)) }
        return HostAnswer(ok: false, value: Value(entries: entries))
    }

    /// The error that Swift code threw; the script sees code, message and details of a ``StepError``.
    public static func failure(_ error: any Error) -> HostAnswer {
        guard let error = error as? StepError else { return .failure(code: "error", message: "\(error)") }
        return .failure(code: error.code, message: error.message, retryable: error.retryable, details: error.details)
    }

    static func unknownOperation(_ name: String) -> HostAnswer {
        .failure(
            code: "unknown_operation", message: "the host has no operation '\(HostCall.knownName(of: name))'",
            retryable: false)
    }
}
