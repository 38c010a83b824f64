/// Cuts bytes into the data of server-sent events, in whatever pieces they come.
struct EventStreamReader {
    /// The most that one event may hold, in bytes.
    static let limit = 16 << 20

    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var endsInReturn = false
    /// How many bytes of a byte order mark at the very beginning have come; nil once the first line is known to begin.
    private var markBytes: Int? = 0
    /// How many bytes the lines of data had that have ended.
    private var endedBytes = 0

    private static let field = Array("data:".utf8)
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    init() {}

    /// How many bytes of data there were so far, unfinished lines included; comments and other fields are none.
    var dataBytes: Int { endedBytes + (line.starts(with: Self.field) ? line.count : 0) }

    /// Takes more bytes and gives the data of the events that they complete.
    ///
    /// - Throws: `model_answer` when an event is larger than ``limit``.
    mutating func take(_ bytes: some Sequence<UInt8>) throws(HostFailure) -> [String] {
        var events: [String] = []
        for byte in bytes {
            if let seen = markBytes {
                if byte == Self.byteOrderMark[seen] {
                    markBytes = seen + 1 < Self.byteOrderMark.count ? seen + 1 : nil
                    continue
                }
                line.append(contentsOf: Self.byteOrderMark[..<seen])
                markBytes = nil
            }
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
        guard line.starts(with: Self.field) else { return nil }
        var value = line.dropFirst(Self.field.count)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        if hasData { data.append(UInt8(ascii: "\n")) }
        data.append(contentsOf: value)
        hasData = true
        endedBytes += line.count
        return nil
    }
}
