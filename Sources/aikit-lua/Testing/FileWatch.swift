#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Sees when one of some files changes, or when a test file comes or goes: it looks a few times a second.
struct FileWatch {
    /// What a file looked like: its date, size and place on the disk tell two states apart.
    private struct Mark: Equatable {
        var seconds: Int
        var nanoseconds: Int
        var size: Int
        var inode: UInt64
    }

    private static let pause: useconds_t = 150_000

    private let files: [String]
    private let folders: [String]
    private let seen: [String: Mark]

    init(files: [String], folders: [String]) {
        self.files = files
        self.folders = folders
        seen = Self.marks(of: files, folders)
    }

    private static func marks(of files: [String], _ folders: [String]) -> [String: Mark] {
        var marks: [String: Mark] = [:]
        for path in files + ((try? TestDiscovery.files(at: folders)) ?? []) {
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

    /// Returns when something has changed and has then been still for one pause, or when `stop` says so.
    func waitForChange(unless stop: () -> Bool) {
        var last = seen
        while !stop() {
            usleep(Self.pause)
            let now = Self.marks(of: files, folders)
            if now != seen, now == last { return }
            last = now
        }
    }
}
