public import WorkflowEngine

/// How a store is opened.
public struct SQLiteJournalOptions: Sendable {
    /// What a commit survives.
    public enum Durability: String, Sendable, CaseIterable {
        /// Everything that was acknowledged survives a loss of power: each commit waits for the disk.
        case full
        /// Everything that was acknowledged survives the death of the process; the last moments before a loss of power
        /// may be missing, and the store is whole.
        case normal
    }

    public var durability: Durability
    /// Makes the file and its directory if they are missing; a missing store is an error otherwise.
    public var creates: Bool
    /// Puts a `.gitignore` for the store's files into its directory when the store is made, unless there is one.
    public var hidesFromGit: Bool
    /// How long a store that another process has locked is waited for, in microseconds.
    public var lockTimeout: Int64
    /// How long runs wait while the store cannot be written for a reason that may pass (a full disk, a lock), in microseconds;
    /// after that they are given up. 0 gives them up at once.
    public var retryTime: Int64
    /// Called on the store's thread when runs begin to wait for the store, with the reason, and with nil when they go on.
    public var onStall: (@Sendable (JournalError?) -> Void)?
    /// How long this process is taken to be alive after it last said so, in microseconds.
    public var lease: Int64
    /// Payloads of this many bytes are stored once, by their hash.
    public var largePayload: Int
    /// Gives the store's reserve of disk space up where the disk is full: for whoever is to make room.
    package var usesReserve = false
    /// The size that the write-ahead log may reach before its pages move into the database, in pages of 4 KiB.
    public var logPages: Int

    public init(
        durability: Durability = .full, creates: Bool = true, hidesFromGit: Bool = false,
        lockTimeout: Int64 = 5_000_000, retryTime: Int64 = 60_000_000,
        onStall: (@Sendable (JournalError?) -> Void)? = nil, lease: Int64 = 15_000_000,
        largePayload: Int = 64 << 10, logPages: Int = 4000
    ) {
        self.durability = durability
        self.creates = creates
        self.hidesFromGit = hidesFromGit
        self.lockTimeout = lockTimeout
        self.retryTime = retryTime
        self.onStall = onStall
        self.lease = lease
        self.largePayload = largePayload
        self.logPages = logPages
    }
}
