/// Where a ``FileWatcher`` learns of changes. It belongs to the watcher's thread.
protocol ChangeSource: AnyObject {
    /// Readable when ``takeChanges()`` has something to tell; nil where it has to be asked.
    var descriptor: Int32? { get }
    /// How often it has to be asked, in nanoseconds.
    var interval: UInt64? { get }
    /// Watches these entries from now on, and no others.
    ///
    /// - Returns: whether something may have changed in between that nobody will tell of.
    func watch(_ set: WatchSet) -> Bool
    /// Whether it misses changes of what it was last told to watch, as the system gives it no more watches.
    var isExhausted: Bool { get }
    /// Whether something that matters has changed since it was last asked.
    func takeChanges() -> Bool
}
