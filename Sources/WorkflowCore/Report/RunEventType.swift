/// What an event says.
///
/// A newer program may write events that this one does not know; switch over those that matter, and pass over the others.
public enum RunEventType: Sendable, Hashable, CustomStringConvertible {
    case workflowStart, workflowSuccess, workflowError, workflowCancelled
    /// The run goes on after it waited for somebody, or after its process had died.
    case workflowResumed
    /// A handler ended the run in favour of another one.
    case workflowRestart
    /// The run has come to an end, and goes on to it over steps to undo and its completion handler.
    case workflowEnding
    /// The completion handler of the workflow is called, has returned, has failed for good, is called again.
    case handlerStart, handlerSuccess, handlerError, handlerRetry
    case stepStart, stepSuccess, stepError, stepCancelled
    /// An attempt failed and another one follows.
    case stepRetry
    /// The step waits for a time or for a signal.
    case stepWaiting
    /// The script emitted something.
    case stepEvent
    /// A branch has chosen its case.
    case stepBranch
    /// A step asks a person, and has been answered.
    case humanRequested, humanCompleted
    /// A handler recorded a result that it makes once.
    case stepOnce
    /// A model answered.
    case stepModel
    /// A step is undone, has been, could not be, is tried again.
    case compensateStart, compensateSuccess, compensateError, compensateRetry
    /// The script logged something.
    case log
    /// An event of a newer program, by its name.
    case unknown(String)

    /// All that this program knows.
    public static let known: [RunEventType] = [
        .workflowStart, .workflowSuccess, .workflowError, .workflowCancelled, .workflowResumed, .workflowRestart,
        .workflowEnding, .handlerStart, .handlerSuccess, .handlerError, .handlerRetry, .stepStart, .stepSuccess,
        .stepError, .stepCancelled, .stepRetry, .stepWaiting, .stepEvent, .stepBranch, .humanRequested, .humanCompleted,
        .stepOnce, .stepModel, .compensateStart, .compensateSuccess, .compensateError, .compensateRetry, .log,
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: known.map { ($0.rawValue, $0) })

    public var description: String { rawValue }
}

extension RunEventType: RawRepresentable, ExpressibleByStringLiteral {
    public init(rawValue: String) { self = Self.byName[rawValue] ?? .unknown(rawValue) }

    public init(stringLiteral name: String) { self.init(rawValue: name) }

    /// The name, such as `step:start`.
    public var rawValue: String {
        switch self {
        case .workflowStart: "workflow:start"
        case .workflowSuccess: "workflow:success"
        case .workflowError: "workflow:error"
        case .workflowCancelled: "workflow:cancelled"
        case .workflowResumed: "workflow:resumed"
        case .workflowRestart: "workflow:restart"
        case .workflowEnding: "workflow:ending"
        case .handlerStart: "workflow:handler:start"
        case .handlerSuccess: "workflow:handler:success"
        case .handlerError: "workflow:handler:error"
        case .handlerRetry: "workflow:handler:retry"
        case .stepStart: "step:start"
        case .stepSuccess: "step:success"
        case .stepError: "step:error"
        case .stepCancelled: "step:cancelled"
        case .stepRetry: "step:retry"
        case .stepWaiting: "step:waiting"
        case .stepEvent: "step:event"
        case .stepBranch: "step:branch"
        case .humanRequested: "step:human:requested"
        case .humanCompleted: "step:human:completed"
        case .stepOnce: "step:once"
        case .stepModel: "step:model"
        case .compensateStart: "step:compensate:start"
        case .compensateSuccess: "step:compensate:success"
        case .compensateError: "step:compensate:error"
        case .compensateRetry: "step:compensate:retry"
        case .log: "log"
        case .unknown(let name): name
        }
    }
}
