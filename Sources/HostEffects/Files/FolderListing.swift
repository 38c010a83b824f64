internal import Platform

/// What there is at a path.
enum FileType: String {
    case file
    case directory
    case link
    case other

    init(mode: mode_t) {
        switch mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .link
        default: self = .other
        }
    }
}

/// The entries of folders.
enum FolderListing {
    /// All entries but `.` and `..`, in the order of their names; nil where there are more than `limit` or reading fails.
    ///
    /// Takes the descriptor over and closes it. Names that are not UTF-8 are left out, as no script could say them.
    static func read(_ descriptor: Int32, limit: Int) -> [(name: String, type: FileType)]? {
        guard let folder = fdopendir(descriptor) else {
            close(descriptor)
            return nil
        }
        defer { closedir(folder) }
        var entries: [(name: String, type: FileType)] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            guard let name, name != ".", name != ".." else { continue }
            if entries.count == limit { return nil }
            var info = stat()
            let isKnown = fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0
            entries.append((name, isKnown ? FileType(mode: info.st_mode) : .other))
        }
        return entries.sorted { $0.name < $1.name }
    }
}
