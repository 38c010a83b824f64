internal import FileWatching
internal import Platform

/// Waits until one of some files has changed, or until a test file has come or gone.
struct FileWatch {
    /// What a file looked like: its date, size and place on the disk tell two states apart.
    private struct Mark: Equatable {
        var seconds: Int
        var nanoseconds: Int
        var size: Int
        var inode: UInt64
    }

    private enum Event: Sendable {
        case stirred, polls
    }

    private let files: [String]
    private let paths: [String]
    private let seen: [String: Mark]

    /// - Parameters:
    ///   - files: the files on which the last result hangs.
    ///   - paths: test files, and folders in which they are looked for.
    init(files: [String], paths: [String]) {
        self.files = files
        self.paths = paths
        seen = Self.marks(files, Self.survey(paths).files)
    }

    private static func survey(_ paths: [String]) -> (files: [String], folders: [String]) {
        (try? TestDiscovery.survey(paths)) ?? ([], [])
    }

    private static func marks(_ files: [String], _ tests: [String]) -> [String: Mark] {
        var marks: [String: Mark] = [:]
        for path in files + tests {
            var info = stat()
            guard stat(path, &info) == 0 else { continue }
            #if canImport(Darwin)
                let time = info.st_mtimespec
            #else
                let time = info.st_mtim
            #endif
            marks[path] = Mark(
                seconds: time.tv_sec, nanoseconds: time.tv_nsec, size: Int(info.st_size), inode: UInt64(info.st_ino))
        }
        return marks
    }

    /// Returns when something has changed and has then been still, or when `interruption` is raised.
    func waitForChange(unless interruption: Interruption) {
        let events = MessageBox<Event>()
        let watcher = FileWatcher(polls: { events.post(.polls) }, changed: { events.post(.stirred) })
        defer { watcher.stop() }
        interruption.whenRaised { events.post(.stirred) }
        var folders = Self.survey(paths).folders
        watcher.watch(files, folders: folders)
        while !interruption.isRaised {
            for event in events.take() {
                guard case .stirred = event else {
                    TextStream.errors.writeLine(DevText.polls)
                    continue
                }
                // In a folder anything may change; what matters are the files and the tests that come or go.
                let found = Self.survey(paths)
                if Self.marks(files, found.files) != seen { return }
                if found.folders != folders {
                    folders = found.folders
                    watcher.watch(files, folders: folders)
                }
            }
        }
    }
}
