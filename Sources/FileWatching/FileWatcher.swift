internal import Platform
internal import Synchronization

/// Tells when some files may have changed, once a burst of changes is over.
///
/// It tells too often rather than too seldom: whoever is told compares contents. Files need not exist; links are followed,
/// and a link that is replaced is a change. It works on a thread of its own until it is stopped or dropped.
///
/// ```swift
/// let watcher = FileWatcher { mailbox.post(.filesChanged) }
/// watcher.watch(["weather.lua", "lib/format.lua"])
/// ```
package final class FileWatcher: Sendable {
    /// How changes are noticed.
    package enum Method: Sendable, CaseIterable {
        /// By the system's own notices where there are such, else by looking.
        case best
        /// By looking ten times a second.
        case polling
    }

    private let shared: Shared

    /// - Parameters:
    ///   - quiet: how long nothing may have happened before a burst counts as over.
    ///   - limit: how long a burst is waited out.
    ///   - changed: called on the watcher's thread, which notices nothing while it waits for the answer.
    ///   - polls: called on the watcher's thread when the system has no more notices to give, and it looks instead.
    package convenience init(
        quiet: Duration = .milliseconds(30), limit: Duration = .milliseconds(250), method: Method = .best,
        polls: @escaping @Sendable () -> Void = {}, changed: @escaping @Sendable () -> Void
    ) {
        self.init(quiet: quiet, limit: limit, source: { Self.source(method) }, polls: polls, changed: changed)
    }

    /// - Parameter source: where changes are noticed; nil where the system has nothing to notice them with.
    init(
        quiet: Duration, limit: Duration, source: @escaping @Sendable () -> (any ChangeSource)?,
        polls: @escaping @Sendable () -> Void, changed: @escaping @Sendable () -> Void
    ) {
        let shared = Shared()
        self.shared = shared
        let debounce = Debounce(
            quiet: UInt64(max(0, quiet / .nanoseconds(1))), limit: UInt64(max(0, limit / .nanoseconds(1))))
        startThread { Self.work(shared, source(), debounce, polls, changed) }
    }

    deinit { stop() }

    /// Watches these files from now on, and no others; a path is taken as it is meant in the current directory of now.
    ///
    /// - Parameter folders: folders of which every entry matters, also one that is yet to come.
    package func watch(_ paths: [String], folders: [String] = []) {
        let watched = Watched(paths: paths.map(FileSystem.absolute), folders: folders.map(FileSystem.absolute))
        shared.state.withLock { $0.watched = watched }
        shared.wakeUp.wake()
    }

    package func stop() {
        shared.state.withLock { $0.isStopped = true }
        shared.wakeUp.wake()
    }

    private static func source(_ method: Method) -> (any ChangeSource)? {
        if method == .polling { return PollingSource() }
        #if os(Linux) || os(Android)
            return InotifySource()
        #else
            return PollingSource()
        #endif
    }

    /// The thread: waits for changes, for other paths and for the end of a burst.
    private static func work(
        _ shared: Shared, _ best: (any ChangeSource)?, _ burst: Debounce, _ polls: () -> Void, _ changed: () -> Void
    ) {
        var debounce = burst
        var watched = Watched()
        var source = best ?? PollingSource()
        if best == nil { polls() }
        /// Follows what is watched; a source that is exhausted gives way to one that looks.
        func follow() -> Bool {
            let isNew = settle(source, watched)
            guard source.isExhausted else { return isNew }
            source = PollingSource()
            polls()
            _ = settle(source, watched)
            return true
        }
        while true {
            wait(shared, source, until: debounce.deadline)
            let state = shared.state.withLock { $0 }
            if state.isStopped { return }
            if source.takeChanges() { debounce.change(at: monotonicNanoseconds()) }
            if state.watched != watched {
                watched = state.watched
                if follow() { debounce.change(at: monotonicNanoseconds()) }
            }
            if debounce.fire(at: monotonicNanoseconds()) {
                // Links may lead elsewhere now. They are followed before anybody reads, so that no later change is missed.
                _ = follow()
                changed()
            }
        }
    }

    /// Follows the paths until nothing new comes into view; whether anything did.
    private static func settle(_ source: any ChangeSource, _ watched: Watched) -> Bool {
        var isNew = false
        // A tree that changes all the while is looked at again after the next burst.
        for _ in 0..<8 {
            let set = WatchSet(paths: watched.paths, folders: watched.folders, node: FileSystem.node)
            guard source.watch(set) else { return isNew }
            isNew = true
        }
        return isNew
    }

    private static func wait(_ shared: Shared, _ source: any ChangeSource, until deadline: UInt64?) {
        var polls = [pollfd(fd: shared.wakeUp.descriptor, events: Int16(POLLIN), revents: 0)]
        if let descriptor = source.descriptor {
            polls.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        let now = monotonicNanoseconds()
        var pause = deadline.map { $0 > now ? $0 - now : 0 }
        if let interval = source.interval { pause = min(pause ?? interval, interval) }
        if let interval = shared.wakeUp.interval { pause = min(pause ?? interval, interval) }
        let milliseconds = pause.map { Int32(clamping: ($0 + 999_999) / 1_000_000) } ?? -1
        _ = poll(&polls, nfds_t(polls.count), milliseconds)
        shared.wakeUp.clear()
    }
}

/// What is watched, by absolute paths.
private struct Watched: Equatable {
    var paths: [String] = []
    var folders: [String] = []
}

/// What the thread and the owner share; it is not the watcher, so that dropping that one ends the thread.
private final class Shared: Sendable {
    let state = Mutex(State())
    let wakeUp = WakeUp()

    struct State {
        var watched = Watched()
        var isStopped = false
    }
}

/// Starts a thread that ends with its body. Where the system has none to give for half a second, the process says so and ends.
private func startThread(_ body: @escaping @Sendable () -> Void) {
    let status = DetachedThread.start(patience: 500, body)
    guard status == 0 else {
        let text =
            "error: the system refused the thread that watches files: \(String(cString: strerror(status))); raise the "
            + "limit of processes and threads (ulimit -u, TasksMax, pids.max), or use serve --no-watch\n"
        _ = Array(text.utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        _exit(1)
    }
}
