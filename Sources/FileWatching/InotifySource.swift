#if os(Linux) || os(Android)
    internal import Platform

    /// Tells of changes as soon as the kernel does.
    final class InotifySource: ChangeSource {
        private let inotify: Int32
        private var set = WatchSet(paths: []) { _ in .missing }
        /// Directories by watch; one directory may be known by several paths.
        private var directories: [Int32: Set<String>] = [:]
        private var watches: [String: Int32] = [:]
        private(set) var isExhausted = false

        private static let changes = UInt32(
            IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
                | IN_DELETE_SELF | IN_MOVE_SELF)
        /// The directory itself is no longer what it was, or events were lost.
        private static let upheaval =
            UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW)

        /// Nil where the system has no more watchers to give.
        init?() {
            inotify = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
            if inotify < 0 { return nil }
        }

        deinit { close(inotify) }

        var descriptor: Int32? { inotify }
        var interval: UInt64? { nil }

        func watch(_ set: WatchSet) -> Bool {
            self.set = set
            for (directory, watch) in watches where set.names[directory] == nil { forget(directory, watch) }
            var isNew = false
            for directory in set.names.keys where watches[directory] == nil {
                let watch = inotify_add_watch(inotify, directory, Self.changes)
                guard watch >= 0 else {
                    // Of a directory that has just gone, the next look finds where its path ends now.
                    if errno != ENOENT && errno != ENOTDIR { isExhausted = true }
                    continue
                }
                watches[directory] = watch
                directories[watch, default: []].insert(directory)
                isNew = true
            }
            return isNew
        }

        private func forget(_ directory: String, _ watch: Int32) {
            watches[directory] = nil
            directories[watch]?.remove(directory)
            if directories[watch]?.isEmpty == true {
                directories[watch] = nil
                inotify_rm_watch(inotify, watch)
            }
        }

        func takeChanges() -> Bool {
            var matters = false
            withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: MemoryLayout<inotify_event>.alignment) {
                buffer in
                while true {
                    let count = read(inotify, buffer.baseAddress, buffer.count)
                    guard count > 0 else { return }
                    var offset = 0
                    while offset < count {
                        let event = UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped + offset)
                        if take(event) { matters = true }
                        let header = event.load(as: inotify_event.self)
                        offset += MemoryLayout<inotify_event>.size + Int(header.len)
                    }
                }
            }
            return matters
        }

        private func take(_ event: UnsafeRawPointer) -> Bool {
            let header = event.load(as: inotify_event.self)
            if header.mask & Self.upheaval != 0 {
                // The kernel has dropped the watch of a directory that has gone, and a moved one has another path now.
                for directory in directories[header.wd] ?? [] { forget(directory, header.wd) }
                return true
            }
            guard header.len > 0, let paths = directories[header.wd] else { return false }
            let name = String(
                cString: (event + MemoryLayout<inotify_event>.size).assumingMemoryBound(to: CChar.self))
            return paths.contains { set.matters(name, in: $0) }
        }
    }
#endif
