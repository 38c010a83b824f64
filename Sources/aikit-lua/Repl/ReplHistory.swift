internal import Platform

/// The lines of earlier sessions, in a file of the user's: one a line, the oldest first.
struct ReplHistory {
    private(set) var lines: [String] = []
    /// Nil where there is no place for it.
    private let path: String?

    private static let limit = 1000

    /// Reads the history of the file that ``usualPath`` names.
    init(path: String? = Self.usualPath) {
        self.path = path
        guard let path, case .success(let bytes) = FileText.read(path, limit: 16 << 20) else { return }
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(Self.limit).map(String.init)
    }

    /// `$XDG_STATE_HOME/aikit-lua/repl-history`, else below `~/.local/state`.
    static var usualPath: String? {
        if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/aikit-lua/repl-history" }
        return environment("HOME").map { $0 + "/.local/state/aikit-lua/repl-history" }
    }

    /// Keeps a line, unless it is empty or the one before it; what cannot be written is kept for this session only.
    mutating func add(_ line: String) {
        guard !line.trimmed.isEmpty, line != lines.last else { return }
        lines.append(line)
        guard let path else { return }
        Self.makeFolders(of: path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array((line + "\n").utf8)
        _ = write(descriptor, bytes, bytes.count)
    }

    private static func makeFolders(of path: String) {
        let parts = path.split(separator: "/").dropLast()
        for count in 1...max(parts.count, 1) { mkdir("/" + parts.prefix(count).joined(separator: "/"), 0o700) }
    }
}
