internal import Platform

/// The files of a project below a folder, without hidden ones and folders of other tools.
enum ProjectFolders {
    private static let skipped: Set<String> = ["lua_modules", ".aikit", "node_modules"]

    /// Calls `file` for each file at and below paths, and `folder` for each folder; a path that is a file is one that was named.
    static func visit(
        _ paths: [String], folder: (_ path: String) -> Void = { _ in },
        file: (_ path: String, _ isNamed: Bool) -> Void
    ) throws(UsageError) {
        for path in paths {
            var info = stat()
            guard stat(path, &info) == 0 else { throw UsageError("cannot read \(path): \(systemMessage(errno))") }
            if info.st_mode & S_IFMT == S_IFDIR {
                walk(path == "." ? "" : path.hasSuffix("/") ? path : path + "/", folder) { file($0, false) }
            } else {
                guard info.st_mode & S_IFMT == S_IFREG else {
                    throw UsageError("cannot read \(path): it is not a regular file; name a .lua file or a folder")
                }
                file(path, true)
            }
        }
    }

    private static func walk(_ folder: String, _ visitFolder: (String) -> Void, _ visitFile: (String) -> Void) {
        guard let directory = opendir(folder.isEmpty ? "." : folder) else { return }
        defer { closedir(directory) }
        visitFolder(folder.isEmpty ? "." : folder)
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
                walk(path + "/", visitFolder, visitFile)
            } else {
                visitFile(path)
            }
        }
    }
}
