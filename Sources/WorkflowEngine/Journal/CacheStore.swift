package import FlatValue
internal import WorkflowCore

/// Where values that are dear to make are kept for all runs of a store, each until a time.
///
/// A store may forget a value before.
package protocol CacheStore: AnyObject, Sendable {
    /// The value under a key; nil for none, and for one whose time is over at `now`, in microseconds since 1970.
    func cached(_ key: String, at now: Int64) async throws(JournalError) -> Value?
    /// Keeps a value under a key, in place of the one before, until a time in microseconds since 1970.
    func cache(_ key: String, _ value: Value, until time: Int64, at now: Int64) async throws(JournalError)
}
