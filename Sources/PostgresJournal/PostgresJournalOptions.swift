public import WorkflowEngine

/// How a store in PostgreSQL is opened.
public struct PostgresJournalOptions: Sendable {
    /// What a commit survives.
    public enum Durability: String, Sendable, CaseIterable {
        /// As much as the server is set up for: with its usual `synchronous_commit = on`, a loss of power.
        case full
        /// The death of this process. The last moments before the server's own end may be missing, and the store is
        /// whole.
        case normal
    }

    public var durability: Durability
    /// Makes the tables if they are missing; a database without them is an error otherwise.
    public var creates: Bool
    /// The schema of the database in which the tables are.
    public var schema: String
    /// How long runs wait while the store cannot be reached or written, in microseconds; after that they are given up.
    public var retryTime: Int64
    /// Called on the store's thread when runs begin to wait for the store, with the reason, again when there is another one, and
    /// with nil when they go on.
    public var onStall: (@Sendable (JournalError?) -> Void)?
    /// How long this process is taken to be alive after it last said so, in microseconds of the database's clock.
    public var lease: Int64
    /// Payloads of this many bytes are stored once, by their hash.
    public var largePayload: Int
    /// How long a connection may take to come about, and an answer of the server, in microseconds.
    public var connectTimeout: Int64
    public var serverTimeout: Int64
    /// In place of the database's clock for the times of the queue, for tests.
    var queueTime: (@Sendable () -> Int64)?

    public init(
        durability: Durability = .full, creates: Bool = true, schema: String = "aikit_lua",
        retryTime: Int64 = 300_000_000, onStall: (@Sendable (JournalError?) -> Void)? = nil, lease: Int64 = 15_000_000,
        largePayload: Int = 64 << 10, connectTimeout: Int64 = 10_000_000, serverTimeout: Int64 = 60_000_000
    ) {
        self.durability = durability
        self.creates = creates
        self.schema = schema
        self.retryTime = Self.bounded(retryTime)
        self.onStall = onStall
        self.lease = Self.bounded(lease)
        self.largePayload = largePayload
        self.connectTimeout = Self.bounded(connectTimeout)
        self.serverTimeout = Self.bounded(serverTimeout)
    }

    /// A time in microseconds, of which nanoseconds can be counted: at most a hundred years.
    private static func bounded(_ time: Int64) -> Int64 { min(max(time, 0), 100 * 365 * 86400 * 1_000_000) }
}
