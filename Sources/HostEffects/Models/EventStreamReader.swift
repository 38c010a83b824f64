/// Cuts bytes into the data of server-sent events, in whatever pieces they come.
struct EventStreamReader {
    /// The most that one event may hold, in bytes.
    static let limit = 16 << 20

    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var endsInReturn = false

    init() {}

    /// Takes more bytes and gives the data of the events that they complete.
    ///
    /// - Throws: `model_answer` when an event is larger than ``limit``.
    mutating func take(_ bytes: some Sequence<UInt8>) throws(HostFailure) -> [String] {
        var events: [String] = []
        for byte in bytes {
            // Lines end in LF, CR or both.
            if byte == UInt8(ascii: "\n"), endsInReturn {
                endsInReturn = false
                continue
            }
            endsInReturn = byte == UInt8(ascii: "\r")
            if byte == UInt8(ascii: "\n") || endsInReturn {
                if let event = endLine() { events.append(event) }
            } else {
                line.append(byte)
                if line.count + data.count > Self.limit { throw .unreadable("an event is larger than 16 MiB") }
            }
        }
        return events
    }

    private mutating func endLine() -> String? {
        defer { line.removeAll(keepingCapacity: true) }
        if line.isEmpty {
            defer {
                data.removeAll(keepingCapacity: true)
                hasData = false
            }
            return hasData ? String(decoding: data, as: UTF8.self) : nil
        }
        guard line.starts(with: "data:".utf8) else { return nil }
        var value = line.dropFirst(5)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        if hasData { data.append(UInt8(ascii: "\n")) }
        data.append(contentsOf: value)
        hasData = true
        return nil
    }
}
