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
        for name in FolderNames.names(in: folder) { unlink(folder + "/" + name) }
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
        for left in FolderNames.gone(in: place, behind: prefix) { remove(place + "/" + left.name) }
    }
}
