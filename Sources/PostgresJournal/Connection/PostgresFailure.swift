internal import WorkflowEngine

/// What a database did not do, before it becomes a ``JournalError``.
enum PostgresFailure: Error {
    /// There is no connection, or it broke. Whether what was under way has happened is not known.
    case disconnected(String)
    /// The server refused a statement, and nothing of its transaction has happened.
    case refused(state: String, message: String)
    /// Something else than the database says no; nothing of the transaction has happened.
    case journal(JournalError)
}

extension PostgresFailure {
    /// The server undid the transaction only because of others: it may be done again at once.
    var isSerialization: Bool {
        guard case .refused(let state, _) = self else { return false }
        return ["40001", "40P01", "55P03"].contains(state)
    }

    /// The same may succeed later without anybody changing it: the connection, the server or its disk fail for a while.
    var mayPass: Bool {
        switch self {
        case .disconnected: true
        case .refused(let state, _):
            // Resources, operator intervention, errors of the system, a server that is read-only after a failover.
            isSerialization || ["53", "57", "58", "08"].contains(state.prefix(2)) || state == "25006"
        case .journal: false
        }
    }

    /// The connection is of no use any more.
    var endsConnection: Bool {
        switch self {
        case .disconnected: true
        case .refused(let state, _): ["57P", "08", "25006"].contains { state.hasPrefix($0) }
        case .journal: false
        }
    }

    /// The error in words that name the store and what to do.
    func error(_ address: PostgresAddress) -> JournalError {
        let store = address.name
        switch self {
        case .journal(let error): return error
        case .disconnected(let message): return Self.unreachable(store, address.clean(message))
        case .refused(let state, let text):
            let message = address.clean(text)
            switch state.prefix(2) {
            case _ where state == "25006":
                return JournalError(
                    code: .storeReadOnly,
                    message: "the store \(store) cannot be written: the server is a standby or read-only (\(message)); "
                        + "name all servers in its address, so that the primary is found")
            case _ where state == "53100":
                return JournalError(
                    code: .storeFull,
                    message: "the store \(store) cannot grow, the server's disk is full; make room there")
            case "53":
                return JournalError(
                    code: .storeBusy,
                    message: "the server of the store \(store) is out of something: \(message); raise its limits "
                        + "(max_connections), or end what uses them")
            case "57", "58", "08": return Self.unreachable(store, message)
            case "28":
                return JournalError(code: .storeDenied, message: "the store \(store) lets nobody in: \(message)")
            case _ where state == "42501":
                return JournalError(
                    code: .storeDenied,
                    message:
                        "the store \(store) does not allow it: \(message); its user needs to create a schema in the "
                        + "database, once, and to use the tables in it")
            case "40", "55":
                return JournalError(
                    code: .storeLocked, message: "the store \(store) is too busy with others' changes: \(message)")
            case "42":
                return JournalError(
                    code: .storeCorrupt,
                    message: "the tables of the store \(store) are not those of a store: \(message)")
            default:
                return JournalError(code: .storeFailed, message: "the store \(store) failed: \(message) (\(state))")
            }
        }
    }

    /// The reason why there is no connection, with what helps.
    private static func unreachable(_ store: String, _ message: String) -> JournalError {
        func has(_ texts: String...) -> Bool { texts.contains { message.contains($0) } }
        if has("too many clients", "connection slots", "too many connections") {
            return JournalError(
                code: .storeBusy,
                message:
                    "the store \(store) takes no more connections: \(message); raise max_connections, or end others")
        }
        if has("password", "authentication", "pg_hba.conf", "role \"") {
            return JournalError(
                code: .storeDenied,
                message:
                    "the store \(store) lets nobody in: \(message); check the user and the password in its address, "
                    + "in PGPASSWORD or in ~/.pgpass")
        }
        if has("does not exist") {
            return JournalError(
                code: .storeMissing, message: "the store \(store) is not there: \(message); create the database first"
            )
        }
        if has("read-only", "hot standby") {
            return JournalError(
                code: .storeReadOnly,
                message: "the store \(store) has no server that can be written: \(message); name all servers in its "
                    + "address, so that the primary is found")
        }
        return JournalError(
            code: .storeUnavailable,
            message: "the store \(store) cannot be reached: \(message.isEmpty ? "the connection broke" : message)")
    }

    /// Whether the first connection may be tried again: the server is there and not ready yet.
    var isServerStarting: Bool {
        if case .refused(let state, _) = self { return mayPass && state.prefix(2) != "25" }
        guard case .disconnected(let message) = self else { return false }
        return [
            "starting up", "shutting down", "recovery mode", "too many clients", "connection slots",
            "too many connections", "read-only",
        ]
        .contains { message.contains($0) }
    }
}
