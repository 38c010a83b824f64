internal import CPostgres
internal import WorkflowEngine

/// libpq, which is loaded when a store is opened.
enum PostgresLibrary {
    /// Loads the library, once for the process.
    static func load() throws(JournalError) {
        var reason: UnsafePointer<CChar>?
        if cpg_load(&reason) { return }
        let detail = reason.map { String(cString: $0) } ?? "it cannot be loaded"
        throw JournalError(
            code: .storeUnavailable,
            message: "a store in PostgreSQL needs the library libpq (\(detail)); install libpq5, "
                + "or choose another store",
            remedy: .otherStore)
    }
}
