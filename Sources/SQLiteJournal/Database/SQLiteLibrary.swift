internal import GRDBSQLite

/// The library that keeps the store.
package enum SQLiteLibrary {
    /// Its release, such as `3.46.1`.
    package static var version: String { String(cString: sqlite3_libversion()) }
}
