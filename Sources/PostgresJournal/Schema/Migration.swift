internal import JSONSchema
internal import WorkflowEngine

/// Brings the tables of a store to the newest version.
struct Migration {
    private let connection: Connection
    private let address: PostgresAddress
    private let options: PostgresJournalOptions

    init(_ connection: Connection, _ address: PostgresAddress, _ options: PostgresJournalOptions) {
        self.connection = connection
        self.address = address
        self.options = options
    }

    /// Looks at the version and takes the steps that are missing, in one transaction, while nobody else does.
    func run() throws(PostgresFailure) {
        if try version() == Schema.version { return }
        // A lock of the session and not of the transaction: what others made meanwhile is seen by a transaction that begins
        // afterwards. It goes with the connection if anything fails.
        try connection.run("SELECT pg_advisory_lock(\(Self.lock))", Parameters().add(lockName))
        try connection.transaction { try migrate() }
        try connection.run("SELECT pg_advisory_unlock(\(Self.lock))", Parameters().add(lockName))
    }

    private static let lock = "hashtextextended($1::text, 7)"

    private var lockName: String { "aikit-lua \(options.schema)" }

    private func migrate() throws {
        let version = try version() ?? 0
        if version == Schema.version { return }
        guard version < Schema.version else { throw newer(version) }
        if version == 0 {
            guard options.creates else {
                throw JournalError(
                    code: .storeMissing,
                    message: "the database \(address.name) has no store yet; the first run makes it")
            }
            try checkEncoding()
            try connection.script("CREATE SCHEMA IF NOT EXISTS \(quotedName(options.schema))")
            try connection.script("CREATE TABLE store (version integer NOT NULL)")
            try connection.script("INSERT INTO store VALUES (0)")
        }
        for step in Schema.migrations[version...] { try connection.script(step) }
        try connection.script("UPDATE store SET version = \(Schema.version)")
    }

    /// The version of the tables; nil if there are none.
    private func version() throws(PostgresFailure) -> Int? {
        let exists = try connection.run(
            """
            SELECT EXISTS (
                SELECT 1 FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace AS schemas ON schemas.oid = relnamespace
                WHERE nspname = $1::name AND relname = 'store')
            """, Parameters().add(options.schema)
        ).first
        do {
            guard try exists?.flag(0) == true else { return nil }
            let row = try connection.run("SELECT version FROM store").first
            guard let row, let version = Int(exactly: try row.natural(0)), version > 0 else {
                throw JournalError(
                    code: .storeCorrupt,
                    message: "the schema \(options.schema) of \(address.name) has a table 'store' that is none of ours")
            }
            if version > Schema.version { throw newer(version) }
            return version
        } catch {
            throw PostgresFailure(error)
        }
    }

    private func newer(_ version: Int) -> JournalError {
        JournalError(
            code: .storeNewer,
            message:
                "the store \(address.name) was written by a newer aikit-lua (schema \(version), this one knows up to "
                + "\(Schema.version)); use that version, or another store",
            remedy: .otherStore)
    }

    /// Texts of any language have to fit.
    private func checkEncoding() throws {
        let encoding = try connection.run("SELECT current_setting('server_encoding')").first?.text(0) ?? ""
        guard ["UTF8", "SQL_ASCII"].contains(encoding) else {
            throw JournalError(
                code: .storeUnavailable,
                message: "the database \(address.name) is encoded in \(encoding); make one with "
                    + "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0")
        }
    }
}
