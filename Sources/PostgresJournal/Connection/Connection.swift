internal import CPostgres
internal import Platform
internal import WorkflowEngine

/// One connection to the database, for one thread.
final class Connection {
    private let handle: OpaquePointer
    /// Statements that the server has prepared.
    private var prepared: Set<String> = []
    private let patience: Int32

    /// Connects and sets the session up.
    ///
    /// - Parameter isWriter: whether commits are as durable as the options say; readers commit nothing.
    init(_ address: PostgresAddress, _ options: PostgresJournalOptions, isWriter: Bool) throws(PostgresFailure) {
        let milliseconds = Int32(clamping: options.connectTimeout / 1000)
        patience = Int32(clamping: options.serverTimeout / 1000)
        var settings = [("fallback_application_name", "aikit-lua"), ("client_encoding", "UTF8")]
        let defaults = [
            ("target_session_attrs", "read-write"), ("keepalives_idle", "5"), ("keepalives_interval", "3"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "15000"),
        ]
        settings += defaults.filter { !address.sets($0.0) }
        guard let handle = Self.connect(address.uri, settings, milliseconds) else {
            throw .disconnected("out of memory")
        }
        self.handle = handle
        guard cpg_is_open(handle) else {
            let message = String(cString: cpg_error(handle))
            throw .disconnected(message.isEmpty ? "no answer within \(milliseconds / 1000) seconds" : message)
        }
        guard cpg_server_version(handle) >= 120_000 else {
            throw .journal(
                JournalError(
                    code: .storeUnavailable,
                    message:
                        "the store \(address.name) is in PostgreSQL \(cpg_server_version(handle) / 10000); it has to "
                        + "be 12 or newer"))
        }
        // A process that is stopped in the middle of a transaction keeps others waiting no longer than this.
        var setup =
            "SET search_path TO \(quotedName(options.schema)); SET lock_timeout = 0;"
            + "SET idle_in_transaction_session_timeout = 10000;"
        if isWriter, options.durability == .normal { setup += "SET synchronous_commit = off;" }
        try script(setup)
    }

    deinit { cpg_close(handle) }

    private static func connect(
        _ uri: String, _ settings: [(String, String)], _ milliseconds: Int32
    ) -> OpaquePointer? {
        let names = settings.map { strdup($0.0) }
        let values = settings.map { strdup($0.1) }
        defer { for text in names + values { free(text) } }
        return cpg_connect(
            uri, names.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, settings.count, milliseconds)
    }

    var isOpen: Bool { cpg_is_open(handle) }

    var isInTransaction: Bool { cpg_transaction_status(handle) != CChar(UInt8(ascii: "I")) }

    // MARK: Statements

    /// Runs statements without parameters; their results are dropped.
    func script(_ sql: String) throws(PostgresFailure) {
        _ = try receive(cpg_send_script(handle, sql))
    }

    /// Runs one statement.
    @discardableResult
    func run(_ sql: String, _ parameters: Parameters = Parameters()) throws(PostgresFailure) -> Rows {
        try receive(parameters.withValues { cpg_send(handle, sql, $0, $1) })
    }

    /// Runs a statement that the server prepares when it is first seen on this connection.
    func run(prepared name: String, _ sql: String, _ parameters: Parameters) throws(PostgresFailure) -> Rows {
        if !prepared.contains(name) {
            _ = try receive(cpg_send_prepare(handle, name, sql))
            prepared.insert(name)
        }
        return try receive(parameters.withValues { cpg_send_prepared(handle, name, $0, $1) })
    }

    /// Runs `body` in a transaction. If it fails nothing has happened, unless the connection broke at its very end.
    func transaction<Result>(
        _ begin: String = "BEGIN", _ body: () throws -> Result
    ) throws(PostgresFailure) -> Result {
        try script(begin)
        do {
            let result = try body()
            try script("COMMIT")
            return result
        } catch {
            if isOpen, isInTransaction { try? script("ROLLBACK") }
            throw PostgresFailure(error)
        }
    }

    private func receive(_ isSent: Bool) throws(PostgresFailure) -> Rows {
        guard isSent else { throw .disconnected(String(cString: cpg_error(handle))) }
        guard let result = cpg_receive(handle, patience) else {
            let message = String(cString: cpg_error(handle))
            throw .disconnected(message.isEmpty ? "the server does not answer" : message)
        }
        let rows = Rows(result)
        if cpg_succeeded(result) { return rows }
        let message = cpg_message(result).map { String(cString: $0) }
        guard let state = cpg_state(result).map({ String(cString: $0) }) else {
            throw .disconnected(message ?? String(cString: cpg_error(handle)))
        }
        let detail = cpg_detail(result).map { " (\(String(cString: $0)))" } ?? ""
        throw .refused(state: state, message: (message ?? "an error without a text") + detail)
    }

    // MARK: Notifications

    /// Waits for notifications, for at most some milliseconds; whether there were any.
    func waitForNotifications(_ milliseconds: Int32) throws(PostgresFailure) -> Bool {
        guard cpg_wait_for_notice(handle, -1, milliseconds) >= 0 else {
            throw .disconnected(String(cString: cpg_error(handle)))
        }
        var hasAny = false
        while cpg_take_notification(handle) { hasAny = true }
        return hasAny
    }
}

/// A name as SQL takes it, whatever is in it.
func quotedName(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

extension PostgresFailure {
    init(_ error: any Error) {
        switch error {
        case let failure as PostgresFailure: self = failure
        case let error as JournalError: self = .journal(error)
        case let value as MisplacedValue:
            self = .journal(JournalError(code: .storeCorrupt, message: "the store is damaged: \(value)"))
        default: self = .journal(JournalError(code: .storeFailed, message: "\(error)"))
        }
    }
}
