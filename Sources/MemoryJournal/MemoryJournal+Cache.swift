package import FlatValue
internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

extension MemoryJournal: CacheStore {
    private static let cacheLimit = 10_000

    package func cached(_ key: String, at now: Int64) async throws(JournalError) -> Value? {
        try read { (contents: borrowing MemoryStore.Contents, _) -> Value? in
            guard let entry = contents.cache[key], entry.until > now else { return Value?.none }
            return entry.value
        }
    }

    package func cache(_ key: String, _ value: Value, until time: Int64, at now: Int64) async throws(JournalError) {
        if isClosed.load(ordering: .acquiring) { throw Self.closed }
        store.contents.withLock { contents in
            if contents.cache.count >= Self.cacheLimit {
                contents.cache = contents.cache.filter { $0.value.until > now }
            }
            if contents.cache.count >= Self.cacheLimit { contents.cache = [:] }
            contents.cache[key] = (value, time)
        }
    }
}
