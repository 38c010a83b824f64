internal import Platform
internal import Synchronization

/// Folders for the stores of trials: each goes with its trial, with the process that a signal ends, or, where the process was
/// killed, when the next one begins.
enum TortureFolder {
    private static let prefix = "aikit-torture-"
    private static let made = Mutex<Set<String>>([])

    private static var place: String {
        let folder = environment("TMPDIR") ?? ""
        return folder.isEmpty ? "/tmp" : folder
    }

    static func make() throws(UsageError) -> String {
        var template = Array("\(place)/\(prefix)\(getpid())-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw UsageError("no folder for the store can be made: \(systemMessage(errno))")
        }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress.unsafelyUnwrapped) }
        made.withLock { _ = $0.insert(folder) }
        return folder
    }

    /// Removes a folder and the files in it.
    static func remove(_ folder: String) {
        for name in names(in: folder) { unlink(folder + "/" + name) }
        rmdir(folder)
        made.withLock { _ = $0.remove(folder) }
    }

    /// Removes all folders of this process and ends it.
    static func leave(_ status: ExitStatus) {
        for folder in made.withLock({ $0 }) { remove(folder) }
        _exit(status.rawValue)
    }

    /// Removes the folders of processes that are gone.
    static func sweep() {
        for name in names(in: place) where name.hasPrefix(prefix) {
            let digits = name.dropFirst(prefix.count).prefix { $0.isASCII && $0.isNumber }
            guard let process = pid_t(digits), process > 0, kill(process, 0) != 0, errno == ESRCH else { continue }
            remove(place + "/" + name)
        }
    }

    private static func names(in folder: String) -> [String] {
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
}
