/// A key as a program means it, whatever bytes the terminal sends for it.
enum Key: Equatable, Sendable {
    case character(Character)
    case enter, tab, backspace, delete, escape
    case left, right, up, down, home, end
    case wordLeft, wordRight
    /// The control key with a letter, in lower case.
    case control(Character)
}

/// Turns what a terminal sends into keys. A key may come in pieces: what is not complete yet stays for the next time.
struct KeyDecoder {
    private var bytes: [UInt8] = []

    /// Whether the beginning of a key waits for its rest: an escape that may be the key itself.
    var isPending: Bool { !bytes.isEmpty }

    mutating func take(_ new: some Sequence<UInt8>) -> [Key] {
        bytes.append(contentsOf: new)
        var keys: [Key] = []
        while let (key, count) = next() {
            bytes.removeFirst(count)
            if let key { keys.append(key) }
        }
        return keys
    }

    /// Takes what is left for what it is: nothing more has come for a while.
    mutating func flush() -> [Key] {
        defer { bytes = [] }
        return bytes.first == 0x1B ? [.escape] : []
    }

    /// The next key, if it is one that means something, and its length; nil when it is not complete.
    private func next() -> (Key?, Int)? {
        guard let first = bytes.first else { return nil }
        switch first {
        case 0x1B: return escaped()
        case 10, 13: return (.enter, 1)
        case 9: return (.tab, 1)
        case 8, 127: return (.backspace, 1)
        case 1...26: return (.control(Character(UnicodeScalar(first + 96))), 1)
        case 0...31: return (nil, 1)
        default: return character()
        }
    }

    private func escaped() -> (Key?, Int)? {
        guard bytes.count > 1 else { return nil }
        switch bytes[1] {
        case UInt8(ascii: "["), UInt8(ascii: "O"):
            guard let end = bytes.dropFirst(2).firstIndex(where: { (0x40...0x7E).contains($0) }) else { return nil }
            let parameters = String(decoding: bytes[2..<end], as: UTF8.self)
            return (Self.key(parameters, bytes[end]), end + 1)
        case UInt8(ascii: "b"): return (.wordLeft, 2)
        case UInt8(ascii: "f"): return (.wordRight, 2)
        case 0x1B: return (.escape, 1)
        default: return (nil, 2)
        }
    }

    private static func key(_ parameters: String, _ final: UInt8) -> Key? {
        let isModified = parameters.contains(";")
        switch final {
        case UInt8(ascii: "A"): return .up
        case UInt8(ascii: "B"): return .down
        case UInt8(ascii: "C"): return isModified ? .wordRight : .right
        case UInt8(ascii: "D"): return isModified ? .wordLeft : .left
        case UInt8(ascii: "H"): return .home
        case UInt8(ascii: "F"): return .end
        case UInt8(ascii: "~"):
            switch parameters {
            case "1", "7": return .home
            case "4", "8": return .end
            case "3": return .delete
            default: return nil
            }
        default: return nil
        }
    }

    /// One scalar of UTF-8; bytes that are none are passed over.
    private func character() -> (Key?, Int)? {
        let first = bytes[0]
        let length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0
        guard length > 0 else { return (nil, 1) }
        let rest = bytes.dropFirst().prefix(length - 1)
        guard rest.allSatisfy({ $0 & 0xC0 == 0x80 }) else { return (nil, 1) }
        guard bytes.count >= length else { return nil }
        return (String(decoding: bytes[..<length], as: UTF8.self).first.map(Key.character), length)
    }
}
