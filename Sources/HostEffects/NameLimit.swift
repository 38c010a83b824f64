internal import FlatValue

/// How long what names something may be: longer than any system or server takes, it is refused before anything is made of it.
enum NameLimit {
    /// In bytes as encoded.
    private static let limits: [(key: String, bytes: Int)] = [
        ("path", 4096), ("pattern", 4096), ("cwd", 4096), ("prefix", 4096), ("name", 4096), ("model", 4096),
        ("url", 1 << 20), ("query", 1 << 20), ("headers", 1 << 20), ("argv", 2 << 20), ("command", 2 << 20),
        ("env", 2 << 20),
    ]

    static func check(_ payload: Value) throws(HostFailure) {
        // What is as short as this holds nothing that is too long.
        if payload.byteCount <= 4096 { return }
        for (key, limit) in limits {
            guard let size = payload[key]?.byteCount, size > limit else { continue }
            throw .invalid("\(key) is longer than \(limit >= 1 << 20 ? "\(limit >> 20) MiB" : "\(limit) bytes")")
        }
    }
}
