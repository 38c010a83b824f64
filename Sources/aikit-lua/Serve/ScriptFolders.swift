internal import Platform

/// Finds the scripts at and below paths: every `.lua` file but tests, hidden ones, and what lies in folders of other
/// tools.
enum ScriptFolders {
    private static let skipped: Set<String> = ["lua_modules", ".aikit", "node_modules"]

    /// What was found; a file that was named is told from one that only lay there.
    struct Found: Equatable {
        var path: String
        var isNamed: Bool
    }

    static func scripts(at paths: [String]) throws(UsageError) -> [Found] {
        var found: [Found] = []
        for path in paths {
            var info = stat()
            guard stat(path, &info) == 0 else { throw UsageError("cannot read \(path): \(systemMessage(errno))") }
            if info.st_mode & S_IFMT == S_IFDIR {
                walk(path == "." ? "" : path.hasSuffix("/") ? path : path + "/", into: &found)
            } else {
                found.append(Found(path: path, isNamed: true))
            }
        }
        var seen: Set<String> = []
        return found.sorted { $0.path < $1.path }.filter { seen.insert($0.path).inserted }
    }

    private static func walk(_ folder: String, into found: inout [Found]) {
        guard let directory = opendir(folder.isEmpty ? "." : folder) else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix("."), !skipped.contains(name) else { continue }
            let path = folder + name
            var info = stat()
            // A link to a folder is not followed, so that a circle of them has an end.
            guard lstat(path, &info) == 0 else { continue }
            if info.st_mode & S_IFMT == S_IFDIR {
                walk(path + "/", into: &found)
            } else if name.hasSuffix(".lua"), !name.hasSuffix(TestDiscovery.suffix) {
                found.append(Found(path: path, isNamed: false))
            }
        }
    }
}
