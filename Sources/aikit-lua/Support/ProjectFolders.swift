internal import LuaWorkflows
internal import Platform

/// The files of a project below a folder, without hidden ones and folders of other tools.
enum ProjectFolders {
    private static let skipped: Set<String> = ["lua_modules", ".aikit", "node_modules"]

    /// Calls `file` for each file at and below paths, and `folder` for each folder; a path that is a file is one that was named.
    ///
    /// - Parameter unnamable: called for each file and folder whose name is not UTF-8, which no text can name; the path has marks in
    ///   place of what is wrong, and a slash at its end if it is a folder's.
    static func visit(
        _ paths: [String], folder: (_ path: String) -> Void = { _ in }, unnamable: (_ path: String) -> Void = { _ in },
        file: (_ path: String, _ isNamed: Bool) -> Void
    ) throws(UsageError) {
        for path in paths {
            var info = stat()
            guard stat(path, &info) == 0 else { throw UsageError("cannot read \(path): \(systemMessage(errno))") }
            if info.st_mode & S_IFMT == S_IFDIR {
                try walk(
                    path == "." ? "" : path.hasSuffix("/") ? path : path + "/", folder, { file($0, false) }, unnamable)
            } else {
                guard info.st_mode & S_IFMT == S_IFREG else {
                    throw UsageError("cannot read \(path): it is not a regular file; name a .lua file or a folder")
                }
                file(path, true)
            }
        }
    }

    /// - Throws: where the process has no file descriptor to look with; other folders that cannot be read count as empty.
    private static func walk(
        _ folder: String, _ visitFolder: (String) -> Void, _ visitFile: (String) -> Void,
        _ visitUnnamable: (String) -> Void
    ) throws(UsageError) {
        guard let directory = opendir(folder.isEmpty ? "." : folder) else {
            guard errno == EMFILE || errno == ENFILE else { return }
            throw UsageError(
                "cannot read \(folder.isEmpty ? "." : folder): \(ScriptError.noDescriptor(systemMessage(errno)))")
        }
        defer { closedir(directory) }
        visitFolder(folder.isEmpty ? "." : folder)
        while let entry = readdir(directory) {
            var info = stat()
            let (name, isText, isThere) = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    // A link to a folder is not followed, so that a circle of them has an end.
                    (
                        String(cString: name), String(validatingCString: name) != nil,
                        fstatat(dirfd(directory), name, &info, AT_SYMLINK_NOFOLLOW) == 0
                    )
                }
            }
            guard isThere, !name.hasPrefix("."), !skipped.contains(name) else { continue }
            let path = folder + name
            let isFolder = info.st_mode & S_IFMT == S_IFDIR
            if !isText {
                visitUnnamable(isFolder ? path + "/" : path)
            } else if isFolder {
                try walk(path + "/", visitFolder, visitFile, visitUnnamable)
            } else {
                visitFile(path)
            }
        }
    }
}
