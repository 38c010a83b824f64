/// Reads one JSON text (RFC 8259, strictly) and appends it to an arena as a flat value.
///
/// It is a recursive descent whose depth is capped, so hostile text can exhaust neither the stack nor the memory.
struct JSONParser {
    let text: UnsafeRawBufferPointer
    let start: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var position: UnsafePointer<UInt8>
    var arena: ByteArena
    let origin: Int
    /// What `{}` is read as.
    private let empty: ValueTag
    private var depth = 0
    /// Whether every value of a key that comes twice is kept, and not the last one alone.
    private let keepsAll: Bool
    /// The keys of the outermost object so far; nil where they may come twice.
    private var keys: Set<[UInt8]>?

    init(
        _ text: UnsafeRawBufferPointer, into arena: ByteArena, isStrict: Bool = false, empty: ValueTag = .object,
        keepsAll: Bool = false
    ) {
        self.keepsAll = keepsAll
        keys = isStrict ? [] : nil
        self.empty = empty
        // An empty buffer may have no address; any other address does, as nothing is read from it.
        let base = text.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        self.text = text
        start = base.assumingMemoryBound(to: UInt8.self)
        end = start + text.count
        position = start
        self.arena = arena
        origin = arena.count
    }

    mutating func parseDocument() throws(JSONError) {
        skipByteOrderMark()
        skipSpace()
        try parseValue()
        skipSpace()
        if position < end { throw unexpected("the end of the text") }
    }

    /// A mark that some programs write before UTF-8; a parser may pass over it (RFC 8259, section 8.1).
    private mutating func skipByteOrderMark() {
        if end - position >= 3, position[0] == 0xEF, position[1] == 0xBB, position[2] == 0xBF { position += 3 }
    }

    func error(_ message: String, at place: UnsafePointer<UInt8>) -> JSONError {
        JSONError(message, at: place - start, in: text)
    }

    func unexpected(_ expectation: String) -> JSONError {
        error("expected \(expectation), got \(found)", at: position)
    }

    private var found: String {
        guard position < end else { return "the end of the text" }
        let length = UTF8Sequence.length(at: position, before: end)
        if length == 0 || position[0] < 0x20 || position[0] == 0x7F {
            let hex = String(position[0], radix: 16, uppercase: true)
            return "byte 0x\(hex.count < 2 ? "0" : "")\(hex)"
        }
        return "'\(String(decoding: UnsafeBufferPointer(start: position, count: length), as: UTF8.self))'"
    }

    @inline(__always)
    mutating func skipSpace() {
        while position < end {
            switch position[0] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
            default: return
            }
        }
    }

    @inline(__always)
    private mutating func consume(_ byte: UInt8) -> Bool {
        guard position < end, position[0] == byte else { return false }
        position += 1
        return true
    }

    private mutating func parseValue() throws(JSONError) {
        guard position < end else { throw unexpected("a value") }
        if arena.count &- origin > Value.maximumByteCount {
            throw error("the value is larger than \(Value.maximumByteCount >> 20) MiB", at: position)
        }
        switch position[0] {
        case UInt8(ascii: "\""):
            position += 1
            arena.append(ValueTag.string.rawValue)
            try parseStringBody()
        case UInt8(ascii: "{"): try parseObject()
        case UInt8(ascii: "["): try parseArray()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try parseNumber()
        case UInt8(ascii: "t"): try parseWord("true", .true)
        case UInt8(ascii: "f"): try parseWord("false", .false)
        case UInt8(ascii: "n"): try parseWord("null", .null)
        default: throw unexpected("a value")
        }
    }

    private mutating func parseWord(_ word: StaticString, _ tag: ValueTag) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            guard position + index < end, position[index] == word.utf8Start[index] else {
                throw error("expected '\(word)'", at: position)
            }
        }
        position += word.utf8CodeUnitCount
        arena.append(tag.rawValue)
    }

    private mutating func parseArray() throws(JSONError) {
        try enter()
        let container = arena.beginArray()
        var count = 0
        skipSpace()
        if !consume(UInt8(ascii: "]")) {
            while true {
                try parseValue()
                count &+= 1
                skipSpace()
                if consume(UInt8(ascii: ",")) {
                    skipSpace()
                } else if consume(UInt8(ascii: "]")) {
                    break
                } else {
                    throw unexpected("',' or ']'")
                }
            }
        }
        arena.end(container, count: count)
        depth -= 1
    }

    private mutating func parseObject() throws(JSONError) {
        try enter()
        let container = arena.beginObject()
        let first = arena.count
        var count = 0
        skipSpace()
        if !consume(UInt8(ascii: "}")) {
            while true {
                guard consume(UInt8(ascii: "\"")) else {
                    throw unexpected(count == 0 ? "a key or '}'" : "a key")
                }
                let (opening, key) = (position - 1, arena.count)
                try parseStringBody()
                if depth == 1, keys != nil { try noteKey(from: key, opening) }
                skipSpace()
                guard consume(UInt8(ascii: ":")) else { throw unexpected("':' after a key") }
                skipSpace()
                try parseValue()
                count &+= 1
                skipSpace()
                if consume(UInt8(ascii: ",")) {
                    skipSpace()
                } else if consume(UInt8(ascii: "}")) {
                    break
                } else {
                    throw unexpected("',' or '}'")
                }
            }
        }
        if count > 1, !keepsAll { count = arena.removeDuplicateKeys(from: first, count: count) }
        if count == 0, empty == .emptyTable {
            arena.count = container.start
            arena.append(ValueTag.emptyTable.rawValue)
        } else {
            arena.end(container, count: count)
        }
        depth -= 1
    }

    /// Refuses a key of the outermost object that has come before.
    ///
    /// - Parameters:
    ///   - start: where its length and its bytes begin in the arena.
    ///   - opening: its opening quote.
    private mutating func noteKey(from start: Int, _ opening: UnsafePointer<UInt8>) throws(JSONError) {
        let bytes = Array(arena.bytes[start...].dropFirst(4))
        if keys?.insert(bytes).inserted == false {
            let key = String(decoding: bytes, as: UTF8.self)
            throw JSONError("the key '\(key)' comes twice", at: opening - self.start, in: text, repeatedKey: key)
        }
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        if depth > Value.maximumDepth {
            throw error("nested more than \(Value.maximumDepth) levels deep", at: position)
        }
        position += 1
    }
}
