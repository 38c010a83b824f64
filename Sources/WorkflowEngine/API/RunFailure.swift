public import FlatValue
public import WorkflowCore

/// Why a run could not be started, steered or recorded.
public struct RunFailure: WorkflowError {
    /// One of ``RunFailure/Code``, or the word of whoever made the error.
    public var code: String
    public var message: String
    public var details: Value?
    public var cause: (any Error)?

    public init(code: String, message: String, details: Value? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.details = details
        self.cause = cause
    }

    /// The codes that the engine gives.
    public enum Code {
        /// There is no such run.
        public static let missing = "missing"
        /// The run is over.
        public static let over = "over"
        /// The run has not been started, or has been started before.
        public static let notStarted = "not_started"
        public static let alreadyStarted = "already_started"
        /// A run of another workflow has the id; the run of the id was started with something else.
        public static let idTaken = "id_taken"
        public static let otherInput = "other_input"
        /// There is no such workflow; the code that the run began with is not there; it cannot be loaded.
        public static let unknownWorkflow = "unknown_workflow"
        public static let codeMissing = "code_missing"
        public static let loadFailed = "load_failed"
        /// No step waits there; several do; the answer does not fit.
        public static let notWaiting = "not_waiting"
        public static let ambiguousStep = "ambiguous_step"
        public static let invalidResponse = "invalid_response"
        /// No step waits for such an event, now or later; its payload does not fit.
        public static let unknownEvent = "unknown_event"
        public static let invalidEvent = "invalid_event"
        /// The run is under way, here or in another process, which drives it.
        public static let runActive = "run_active"
        public static let owned = "owned"
        /// The run may do more than this process gives runs, and so it is not made or not taken up here.
        public static let permissionDenied = "permission_denied"
        /// Another process has taken the run over.
        public static let conflict = "conflict"
        /// The run was given back to its store before it was over.
        public static let released = "released"
        /// Another run of a workflow that allows one at a time is under way.
        public static let singleton = "singleton"
        /// What a run's trace was to be is nothing of that kind.
        public static let invalidTelemetry = "invalid_telemetry"
        /// The engine keeps no runs.
        public static let noStore = "no_store"
        /// The engine has stopped; a stored run can be taken up again.
        public static let engineStopped = "engine_stopped"
    }

    /// - Parameter excess: what a run may do beyond what the process gives runs, in words.
    static func exceeding(_ id: String, _ excess: String) -> RunFailure {
        RunFailure(
            code: Code.permissionDenied,
            message: "run \(id) began with permissions that this process was not given:\(excess)")
    }

    /// A workflow's code does not load.
    static func loadFailed(_ error: any Error) -> RunFailure {
        RunFailure(code: Code.loadFailed, message: "\(error)", cause: error)
    }

    /// The run waits in the queue of the store, and is to be looked for there.
    var isOfQueue: Bool { code == JournalError.Code.queued.rawValue }

    static let engineStopped = RunFailure(
        code: JournalError.engineStopped.code, message: JournalError.engineStopped.message)
}
