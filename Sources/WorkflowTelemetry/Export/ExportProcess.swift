internal import Platform

/// A process that sends spans: its machine, its number, and when it began to, as the number is used again.
struct ExportProcess: Hashable, Sendable {
    /// `<host>/<pid>/<microseconds since 1970>`
    let name: String
    private let host: Substring
    private let pid: Int32

    init?(_ name: String) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard name.utf8.count <= 400, parts.count == 3, let pid = Int32(parts[1]), pid > 0, Int64(parts[2]) != nil
        else { return nil }
        self.name = name
        host = parts[0]
        self.pid = pid
    }

    /// This process.
    ///
    /// - Parameter now: microseconds since 1970.
    static func own(at now: Int64) -> ExportProcess? {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        let host = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return ExportProcess("\(host.replacing("/", with: "-"))/\(getpid())/\(now)")
    }

    /// Whether this process may be running, as the machine of another one sees it; nil where that is not to be known.
    func isAlive(seenFrom own: ExportProcess) -> Bool? {
        guard host == own.host else { return nil }
        // One that began with the same number is gone: the number is the own one by now.
        if pid == own.pid { return false }
        return kill(pid, 0) == 0 || errno != ESRCH
    }
}
