package import FlatValue
internal import WorkflowCore

/// The answer to a host request: a value, or an error object.
package struct HostAnswer: Sendable {
    package var ok: Bool
    package var value: Value
    /// What the journal keeps of the operation besides: the call of a model, as ``EventKind/modelCalled``, or `{ span }` of
    /// anything else, as ``EventKind/traced``. What a model was asked (`input`) and said (`output`) is kept where the run's
    /// trace records it.
    package var usage: Value?

    package init(ok: Bool, value: Value) {
        self.ok = ok
        self.value = value
    }

    package static func success(_ value: Value) -> HostAnswer { HostAnswer(ok: true, value: value) }

    package static func failure(code: String, message: String, retryable: Bool? = nil, details: Value? = nil)
        -> HostAnswer
    {
        var arena = ByteArena()
        defer { arena.deallocate() }
        let error = ErrorObject(code: code, message: message, retryable: retryable, details: details)
        let slice = error.write(into: &arena)
        return HostAnswer(ok: false, value: Value(ValueCursor(arena[slice])))
    }
}

/// Who asks: what permissions, traces and messages need to know of a call.
package struct HostCaller: Sendable {
    package var workflow: String
    package var run: String
    package var path: String
    /// What the run may do, as its journal holds it; nil when the process decides.
    package var grant: Value?
    /// What narrows that for the step: what the workflow, the step and all between them say, the innermost first.
    package var limits: [Value] = []
    /// Which attempt of which start of the step it is, each from 1.
    package var attempt = 1
    package var occurrence = 1
    /// What stands behind the path of a call that is not the step's own work, but undoes it or tells of the end of the run.
    package var part = ""
    /// The trace that the run was started in, as W3C's `traceparent`; nil for one of its own.
    package var traceparent: String?
    /// Tells whoever watches the run of something that is kept nowhere, in the order of the calls and before the answer; may be
    /// called from any thread, and does nothing once the call has ended.
    package var stream: (@Sendable (Value) -> Void)?

    package init(workflow: String, run: String, path: String, grant: Value? = nil) {
        self.workflow = workflow
        self.run = run
        self.path = path
        self.grant = grant
    }
}

/// The one door for the effects of a script.
///
/// Everything that a handler asks of the world outside passes here, so permissions, cancellation, budgets, tracing
/// and recording have one place.
package protocol HostEffects: AnyObject, Sendable {
    /// Begins an operation and answers exactly once, from any thread, unless it is cancelled before.
    ///
    /// - Returns: what cancels the operation, or nil when it has been answered already.
    func begin(
        _ request: HostRequest, for caller: HostCaller, answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)?

    /// What a run may do that a step starts which narrows what its own run may do: a grant as a journal keeps it.
    ///
    /// - Parameter grant: that of the step's run; nil when the process decides.
    func narrowed(_ grant: Value?, by limits: [Value]) -> Value
}

extension HostEffects {
    package func narrowed(_ grant: Value?, by limits: [Value]) -> Value { grant ?? .null }
}

/// An operation that is under way.
package protocol HostOperation: Sendable {
    /// Gives the operation up; its answer is not wanted any more.
    func cancel()

    /// Whether something stays open after the answer, such as a connection that is read further: then the operation is
    /// cancelled when the call that began it ends, in whatever way. False unless said.
    var outlivesAnswer: Bool { get }
}

extension HostOperation {
    package var outlivesAnswer: Bool { false }
}

/// Effects for engines whose workflows ask nothing of the host.
package final class NoHostEffects: HostEffects {
    package init() {}

    package func begin(
        _ request: HostRequest, for caller: HostCaller, answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        answer(.failure(code: "unknown_operation", message: "the host has no operation '\(request.operation)'"))
        return nil
    }
}
