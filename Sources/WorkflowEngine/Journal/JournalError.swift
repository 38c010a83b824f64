public import WorkflowCore

/// What a store could not do.
public struct JournalError: WorkflowError {
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

extension JournalError {
    /// Whether the same write may succeed later, without anybody changing it.
    package var mayPass: Bool { Self.passing.contains(code) }

    /// The codes of what may pass.
    package static let passing: Set = ["store_full", "store_locked", "store_io", "store_busy"]

    /// A singleton has another run in place of one.
    package static func singleton(_ workflow: String, _ rival: String) -> JournalError {
        JournalError(
            code: "singleton", message: "run \(rival) of workflow '\(workflow)' is under way, and no other one begins")
    }

    package static func notOwned(_ run: String) -> JournalError {
        JournalError(code: "conflict", message: "run \(run) has been taken over by another process, or has gone on")
    }

    package static func active(_ run: String, _ owner: RunOwner) -> JournalError {
        JournalError(
            code: "run_active", message: "run \(run) is driven by \(owner.name); cancel it before it is deleted")
    }
}
