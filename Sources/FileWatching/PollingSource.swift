/// Looks at the entries again and again, where the system does not tell of changes.
final class PollingSource: ChangeSource {
    private var stamps: [String: FileSystem.Stamp?] = [:]

    var descriptor: Int32? { nil }
    var interval: UInt64? { 100_000_000 }
    var isExhausted: Bool { false }

    func watch(_ set: WatchSet) -> Bool {
        let old = stamps
        stamps = [:]
        for (directory, names) in set.names {
            for name in names {
                let path = (directory == "/" ? "" : directory) + "/" + name
                stamps[path] = .some(FileSystem.stamp(path))
            }
        }
        // An entry that has just come into view may have changed since somebody last read it.
        return stamps.contains { old[$0.key] != .some($0.value) }
    }

    func takeChanges() -> Bool {
        var matters = false
        for (path, old) in stamps {
            let new = FileSystem.stamp(path)
            if new != old { matters = true }
            stamps[path] = .some(new)
        }
        return matters
    }
}
