public import FlatValue

/// The one door for the effects of a script.
///
/// Everything that a handler asks of the world outside passes here, so permissions, cancellation, budgets, tracing
/// and recording have one place. A program that only has operations of its own takes ``HostOperations``.
public protocol HostGateway: Sendable {
    /// Begins an operation: it may tell of its progress by ``HostCall/progress(_:)``, and answers exactly once, from any thread,
    /// unless it is cancelled before. Called on a worker's thread, so it must not wait.
    ///
    /// - Returns: what cancels the operation, or nil when it has been answered already.
    func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)?

    /// What a run may do that a step starts which narrows what its own run may do: a grant as a journal keeps it. The grant as it
    /// is unless a gateway says otherwise.
    ///
    /// - Parameters:
    ///   - grant: that of the step's run; nil when the process decides.
    ///   - limits: as in ``HostCall/limits``.
    func narrowed(_ grant: Value?, by limits: [Value]) -> Value

    /// What a run may do that is started with nothing said of that: a grant, which the journal of the run keeps. Null records
    /// nothing, so that each process which drives the run decides; null unless a gateway says otherwise.
    var usualGrant: Value { get }

    /// What a grant allows beyond ``usualGrant``, in words for whoever operates the process; nil where that is nothing, as it is
    /// unless a gateway says otherwise.
    func excess(of grant: Value) -> String?
}

extension HostGateway {
    public func narrowed(_ grant: Value?, by limits: [Value]) -> Value { grant ?? .null }
    public var usualGrant: Value { .null }
    public func excess(of grant: Value) -> String? { nil }
}

/// An operation that is under way.
public protocol HostOperation: Sendable {
    /// Gives the operation up; its answer is not wanted any more. Called on a worker's thread, so it must not wait.
    func cancel()

    /// Whether something stays open after the answer, such as a connection that is read further: then the operation is
    /// cancelled when the call that began it ends, in whatever way. False unless said.
    var outlivesAnswer: Bool { get }
}

extension HostOperation {
    public var outlivesAnswer: Bool { false }
}

/// A gateway without operations: what its scripts ask for is an error with the code `unknown_operation`.
public struct NoHostOperations: HostGateway {
    public init() {}

    public func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        answer(.unknownOperation(call.operation))
        return nil
    }
}
