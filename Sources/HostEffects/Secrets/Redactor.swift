internal import CHostSystem
package import FlatValue
internal import Synchronization
internal import WorkflowCore

/// Replaces the values of secrets by `[secret NAME]` in whatever leaves the host: answers, and so events, journal, logs,
/// errors and spans, which are all made of answers.
///
/// A secret is known from when it was read or first filled in. Found are its value, and the value as it stands in JSON text,
/// in a URL, and as base64. Any thread.
package final class Redactor: Sendable {
    /// Shorter values, in bytes, are no secrets: replacing them would take ordinary text apart.
    package static let shortestValue = 4

    private let isUsed = Atomic<Bool>(false)
    private let marks = Mutex<[Mark]>([])

    package init() {}

    /// Adds a value to be replaced from now on. No-op for one that is known or shorter than ``shortestValue``.
    package func add(_ value: String, name: String) {
        guard value.utf8.count >= Self.shortestValue else { return }
        let plain = Array(value.utf8)
        let base64 = Array(BytesText.base64(plain).utf8.prefix { $0 != UInt8(ascii: "=") })
        let forms = [
            plain, Array(Value(value).json.utf8.dropFirst().dropLast()), Array(BytesText.percentEncoded(plain).utf8),
            base64,
        ]
        let replacement = Array("[secret \(name)]".utf8)
        marks.withLock { marks in
            for form in forms where !marks.contains(where: { $0.bytes == form }) {
                marks.append(Mark(bytes: form, replacement: replacement))
            }
            marks.sort { $0.bytes.count > $1.bytes.count }
        }
        isUsed.store(true, ordering: .releasing)
    }

    private var all: [Mark] { isUsed.load(ordering: .acquiring) ? marks.withLock { $0 } : [] }

    package func redact(_ text: String) -> String {
        let marks = all
        guard !marks.isEmpty else { return text }
        var text = text
        let changed = text.withUTF8 { Self.replacing(marks, in: UnsafeRawBufferPointer($0)) }
        return changed.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    package func redact(_ bytes: [UInt8]) -> [UInt8] {
        let marks = all
        guard !marks.isEmpty else { return bytes }
        return bytes.withUnsafeBytes { Self.replacing(marks, in: $0) } ?? bytes
    }

    /// The value with every text and key in it redacted.
    package func redact(_ value: Value) -> Value {
        let marks = all
        guard !marks.isEmpty else { return value }
        // Texts lie in the buffer as they are, so most values need one look.
        let isClean = value.withBytes { bytes in marks.allSatisfy { $0.first(in: bytes, from: 0) == nil } }
        if isClean { return value }
        return Value { arena in value.withCursor { Self.write($0, marks, into: &arena) } }
    }

    /// The same for an error object, whose texts may have been cut within a secret: what its beginning ends them with is taken out.
    package func redact(error: Value) -> Value {
        let marks = all
        guard !marks.isEmpty else { return error }
        return Value { arena in error.withCursor { Self.write($0, marks, endsAreCut: true, into: &arena) } }
    }

    /// So much of the beginning of a secret gives it away, in bytes.
    private static let tellingBytes = 4

    /// The bytes without the longest beginning of a secret that they end with; nil where there is none.
    private static func withoutCutEnd(_ marks: [Mark], of bytes: [UInt8]) -> [UInt8]? {
        for mark in marks {
            guard let end = CutEnd.range(of: mark.bytes, in: bytes, least: tellingBytes) else { continue }
            return bytes[..<end.lowerBound] + mark.replacement + bytes[end.upperBound...]
        }
        return nil
    }

    /// How many of the last bytes may be the beginning of a secret whose rest is still to come; a whole secret that such a
    /// beginning overlaps belongs to them.
    func openEnd(of bytes: [UInt8]) -> Int {
        let marks = all
        var longest = 0
        for mark in marks {
            var length = min(mark.bytes.count - 1, bytes.count)
            while length > longest {
                if mark.bytes.prefix(length).elementsEqual(bytes.suffix(length)) { break }
                length -= 1
            }
            longest = max(longest, length)
        }
        if longest == 0 { return 0 }
        let cut = bytes.count - longest
        let found = bytes.withUnsafeBytes { Self.ranges(of: marks, in: $0) }
        return bytes.count - (found.first { $0.range.contains(cut) }?.range.lowerBound ?? cut)
    }

    // MARK: Walking

    private static func write(
        _ cursor: ValueCursor, _ marks: [Mark], endsAreCut: Bool = false, into arena: inout ByteArena
    ) {
        if cursor.isObject {
            let object = arena.beginObject()
            var count = 0
            for entry in cursor.entries {
                let key = entry.key
                let changed = Array(key.utf8).withUnsafeBytes { replacing(marks, in: $0) }
                arena.writeKey(changed.map { String(decoding: $0, as: UTF8.self) } ?? key)
                write(entry.value, marks, endsAreCut: endsAreCut, into: &arena)
                count += 1
            }
            arena.end(object, count: count)
        } else if cursor.isArray {
            let array = arena.beginArray()
            var count = 0
            for item in cursor.items {
                write(item, marks, endsAreCut: endsAreCut, into: &arena)
                count += 1
            }
            arena.end(array, count: count)
        } else if endsAreCut, let bytes = cursor.stringBytes {
            let whole = replacing(marks, in: bytes) ?? Array(bytes)
            (withoutCutEnd(marks, of: whole) ?? whole).withUnsafeBytes { arena.writeString($0) }
        } else if let bytes = cursor.stringBytes, let changed = replacing(marks, in: bytes) {
            changed.withUnsafeBytes { arena.writeString($0) }
        } else {
            arena.write(cursor)
        }
    }

    /// Where marks stand, the leftmost first and of two there the longer one.
    private static func ranges(
        of marks: [Mark], in bytes: UnsafeRawBufferPointer
    ) -> [(range: Range<Int>, mark: Int)] {
        var next = marks.map { $0.first(in: bytes, from: 0) }
        var result: [(range: Range<Int>, mark: Int)] = []
        var position = 0
        while true {
            var best: (index: Int, at: Int)?
            for index in marks.indices {
                if let at = next[index], at < position { next[index] = marks[index].first(in: bytes, from: position) }
                if let at = next[index], at < best?.at ?? .max { best = (index, at) }
            }
            guard let best else { return result }
            position = best.at + marks[best.index].bytes.count
            result.append((best.at..<position, best.index))
        }
    }

    /// The bytes with every mark replaced; nil where there is none.
    private static func replacing(_ marks: [Mark], in bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        var result: [UInt8] = []
        var position = 0
        for (range, mark) in ranges(of: marks, in: bytes) {
            result.append(contentsOf: bytes[position..<range.lowerBound])
            result += marks[mark].replacement
            position = range.upperBound
        }
        if position == 0 { return nil }
        result.append(contentsOf: bytes[position...])
        return result
    }
}

/// A text that stands for a secret, and what is shown in its place.
private struct Mark: Sendable {
    var bytes: [UInt8]
    var replacement: [UInt8]

    /// Where the text first stands from an index on.
    func first(in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = text.baseAddress, text.count - start >= bytes.count else { return nil }
        return bytes.withUnsafeBytes { bytes in
            guard let needle = bytes.baseAddress,
                let found = hs_find(base + start, text.count - start, needle, bytes.count)
            else { return nil }
            return found - base
        }
    }
}
