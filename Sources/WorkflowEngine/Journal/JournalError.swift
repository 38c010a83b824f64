public import WorkflowCore

/// What a store could not do.
public struct JournalError: WorkflowError {
    /// Why, as one of what stores say.
    public var reason: Code
    public var message: String
    /// What may help besides what the message says; nil for nothing.
    public var remedy: Remedy?

    public init(code reason: Code, message: String, remedy: Remedy? = nil) {
        self.reason = reason
        self.message = message
        self.remedy = remedy
    }

    public var code: String { reason.rawValue }

    /// What may help, for a program to say behind the message in the words of its own settings and commands.
    public enum Remedy: Sendable, Hashable {
        /// A store at another place, which the message ends with.
        case otherStore
        /// A store in memory.
        case storeInMemory
        /// Room: without the runs that are over, or at another place.
        case room
        /// Looking for all that is damaged. Other runs than the one of the message are not affected.
        case check
        /// Looking for all journals that have been changed.
        case verification
        /// Looking at the store as it is, which does not write it.
        case looking
        /// Writing the store anew, once there is room.
        case vacuum
    }

    /// What stores and those who drive runs over them say; a store of one's own may have others.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public var rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }
    }
}

extension JournalError.Code {
    /// There is no store there; it cannot be reached or opened; it lets nobody in, or nobody write.
    public static let storeMissing = Self(rawValue: "store_missing")
    public static let storeUnavailable = Self(rawValue: "store_unavailable")
    public static let storeDenied = Self(rawValue: "store_denied")
    public static let storeReadOnly = Self(rawValue: "store_read_only")
    /// It has no room; it cannot be read or written now; others hold it; it is too busy. May pass.
    public static let storeFull = Self(rawValue: "store_full")
    public static let storeIO = Self(rawValue: "store_io")
    public static let storeLocked = Self(rawValue: "store_locked")
    public static let storeBusy = Self(rawValue: "store_busy")
    /// It is damaged; a newer program has written it; it is no store of ours.
    public static let storeCorrupt = Self(rawValue: "store_corrupt")
    public static let storeNewer = Self(rawValue: "store_newer")
    public static let storeForeign = Self(rawValue: "store_foreign")
    /// An older program has it open, so that it cannot be upgraded.
    public static let storeInUse = Self(rawValue: "store_in_use")
    /// Its file has been deleted, or another one has been put in its place.
    public static let storeDeleted = Self(rawValue: "store_deleted")
    public static let storeOverwritten = Self(rawValue: "store_overwritten")
    /// It has been closed here.
    public static let storeClosed = Self(rawValue: "store_closed")
    /// It failed otherwise.
    public static let storeFailed = Self(rawValue: "store_failed")
    /// The process has not the memory for what it was to read; another one may have it, or this one later.
    public static let notEnoughMemory = Self(rawValue: "not_enough_memory")
    /// An entry is larger than a store takes.
    public static let entryTooLarge = Self(rawValue: "entry_too_large")

    /// Another process has taken the run over, or it has gone on.
    public static let conflict = Self(rawValue: "conflict")
    /// The run is driven, here or by another process.
    public static let runActive = Self(rawValue: "run_active")
    /// Another run of a workflow that allows one at a time is under way.
    public static let singleton = Self(rawValue: "singleton")
    /// A run of the id began with other code.
    public static let otherCode = Self(rawValue: "other_code")
    /// The run waits in the queue of the store.
    public static let queued = Self(rawValue: "queued")
    /// The run has been given back to its store.
    public static let released = Self(rawValue: "released")
    /// The engine has stopped; a stored run can be taken up again.
    public static let engineStopped = Self(rawValue: "engine_stopped")
    /// The store is in another process, which alone can do this.
    public static let elsewhere = Self(rawValue: "elsewhere")
    /// The input does not fit the workflow's schema, and nothing of the run was recorded.
    static let invalidInput = Self(rawValue: "invalid_input")
    /// A name that stores cannot keep.
    public static let invalidName = Self(rawValue: "invalid_name")

    /// What the same write may not meet again later, without anybody changing it.
    static let passing: Set = [storeFull, storeLocked, storeIO, storeBusy]
}

extension JournalError {
    /// Whether the same write may succeed later, without anybody changing it.
    package var mayPass: Bool { Code.passing.contains(reason) }

    /// Whether it concerns one run alone: others of the store can be read.
    package var isOfOneRun: Bool { [.storeCorrupt, .storeNewer, .notEnoughMemory].contains(reason) }

    /// A singleton has another run in place of one.
    package static func singleton(_ workflow: String, _ rival: String) -> JournalError {
        JournalError(
            code: .singleton, message: "run \(rival) of workflow '\(workflow)' is under way, and no other one begins")
    }

    package static func notOwned(_ run: String) -> JournalError {
        JournalError(code: .conflict, message: "run \(run) has been taken over by another process, or has gone on")
    }

    package static func active(_ run: String, _ owner: RunOwner) -> JournalError {
        JournalError(
            code: .runActive, message: "run \(run) is driven by \(owner.name); cancel it before it is deleted")
    }
}
