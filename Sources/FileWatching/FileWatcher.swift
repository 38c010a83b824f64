internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

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
    package init(
        quiet: Duration = .milliseconds(30), limit: Duration = .milliseconds(250), method: Method = .best,
        changed: @escaping @Sendable () -> Void
    ) {
        let shared = Shared()
        self.shared = shared
        let debounce = Debounce(
            quiet: UInt64(max(0, quiet / .nanoseconds(1))), limit: UInt64(max(0, limit / .nanoseconds(1))))
        startThread { Self.work(shared, Self.source(method), debounce, changed) }
    }

    deinit { stop() }

    /// Watches these files from now on, and no others; a path is taken as it is meant in the current directory of now.
    package func watch(_ paths: [String]) {
        let paths = paths.map(FileSystem.absolute)
        shared.state.withLock { $0.paths = paths }
        shared.wake()
    }

    package func stop() {
        shared.state.withLock { $0.isStopped = true }
        shared.wake()
    }

    private static func source(_ method: Method) -> any ChangeSource {
        #if os(Linux) || os(Android)
            if method == .best, let source = InotifySource() { return source }
        #endif
        return PollingSource()
    }

    /// The thread: waits for changes, for other paths and for the end of a burst.
    private static func work(
        _ shared: Shared, _ source: any ChangeSource, _ burst: Debounce, _ changed: () -> Void
    ) {
        var debounce = burst
        var paths: [String] = []
        while true {
            wait(shared, source, until: debounce.deadline)
            let state = shared.state.withLock { $0 }
            if state.isStopped { return }
            if source.takeChanges() { debounce.change(at: FileSystem.now()) }
            if state.paths != paths {
                paths = state.paths
                if settle(source, paths) { debounce.change(at: FileSystem.now()) }
            }
            if debounce.fire(at: FileSystem.now()) {
                // Links may lead elsewhere now. They are followed before anybody reads, so that no later change is missed.
                _ = settle(source, paths)
                changed()
            }
        }
    }

    /// Follows the paths until nothing new comes into view; whether anything did.
    private static func settle(_ source: any ChangeSource, _ paths: [String]) -> Bool {
        var isNew = false
        // A tree that changes all the while is looked at again after the next burst.
        for _ in 0..<8 {
            guard source.watch(WatchSet(paths: paths, node: FileSystem.node)) else { return isNew }
            isNew = true
        }
        return isNew
    }

    private static func wait(_ shared: Shared, _ source: any ChangeSource, until deadline: UInt64?) {
        var polls = [pollfd(fd: shared.readEnd, events: Int16(POLLIN), revents: 0)]
        if let descriptor = source.descriptor {
            polls.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        let now = FileSystem.now()
        var pause = deadline.map { $0 > now ? $0 - now : 0 }
        if let interval = source.interval { pause = min(pause ?? interval, interval) }
        let milliseconds = pause.map { Int32(clamping: ($0 + 999_999) / 1_000_000) } ?? -1
        _ = poll(&polls, nfds_t(polls.count), milliseconds)
        var bytes: UInt64 = 0
        while read(shared.readEnd, &bytes, 8) > 0 {}
    }
}

/// What the thread and the owner share; it is not the watcher, so that dropping that one ends the thread.
private final class Shared: Sendable {
    let state = Mutex(State())
    let readEnd: Int32
    let writeEnd: Int32

    struct State {
        var paths: [String] = []
        var isStopped = false
    }

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "the system refused a pipe")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func wake() {
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }
}

/// Starts a thread that ends with its body.
private func startThread(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(ThreadBody(run: body))
    #if canImport(Darwin)
        var thread: pthread_t?
    #else
        var thread = pthread_t()
    #endif
    let status = pthread_create(
        &thread, nil,
        { argument in
            #if !canImport(Darwin)
                guard let argument else { return nil }
            #endif
            Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    precondition(status == 0, "the system refused a thread (error \(status))")
    #if canImport(Darwin)
        thread.map { _ = pthread_detach($0) }
    #else
        pthread_detach(thread)
    #endif
}

private final class ThreadBody {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) { self.run = run }
}
