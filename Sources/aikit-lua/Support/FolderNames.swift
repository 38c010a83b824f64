internal import Platform

/// The names of what lies in folders.
enum FolderNames {
    /// The names in a folder, in any order; none where it cannot be read.
    static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// The processes that have left something there and are gone.
    ///
    /// - Parameter prefix: what stands before the number of the process in the name of what it leaves.
    static func gone(in folder: String, behind prefix: String) -> [(process: pid_t, name: String)] {
        names(in: folder).compactMap { name in
            guard name.hasPrefix(prefix) else { return nil }
            let digits = name.dropFirst(prefix.count).prefix { $0.isASCII && $0.isNumber }
            guard let process = pid_t(digits), process > 0, kill(process, 0) != 0, errno == ESRCH else { return nil }
            return (process, name)
        }
    }
}
