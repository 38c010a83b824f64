/// The syntax of texts from outside, which is a matter of bytes.
///
/// To Swift a `/` and a combining mark behind it are one `Character`, which is no `/`, and two texts are equal that spell a letter
/// in different ways. The kernel, servers and other programs see bytes: whatever takes a path, an address, a name or a setting
/// apart for them, or compares one with what is allowed, does it by these.
extension StringProtocol {
    package func begins(with other: some StringProtocol) -> Bool { utf8.starts(with: other.utf8) }

    package func ends(with other: some StringProtocol) -> Bool {
        utf8.count >= other.utf8.count && utf8.suffix(other.utf8.count).elementsEqual(other.utf8)
    }

    package func isSpelled(like other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }

    /// What is behind a beginning; nil where the text does not begin so.
    package func rest(after beginning: some StringProtocol) -> SubSequence? {
        begins(with: beginning) ? self[utf8.index(startIndex, offsetBy: beginning.utf8.count)...] : nil
    }

    package func has(byte: Unicode.Scalar) -> Bool { utf8.contains(UInt8(ascii: byte)) }

    /// Where a byte of ASCII is first.
    package func firstPlace(of byte: Unicode.Scalar) -> Index? { utf8.firstIndex(of: UInt8(ascii: byte)) }

    /// What is between bytes of ASCII.
    package func pieces(
        between byte: Unicode.Scalar, atMost count: Int = .max, omittingEmpty: Bool = true
    ) -> [SubSequence] {
        utf8.split(
            separator: UInt8(ascii: byte), maxSplits: count == .max ? .max : count - 1,
            omittingEmptySubsequences: omittingEmpty
        ).map { self[$0.startIndex..<$0.endIndex] }
    }

    /// What is before the first of some bytes of ASCII.
    package func part(before bytes: StaticString) -> SubSequence {
        let end = utf8.firstIndex { byte in bytes.withUTF8Buffer { $0.contains(byte) } } ?? endIndex
        return self[..<end]
    }
}

extension StringProtocol where UTF8View: BidirectionalCollection {
    /// A path up to its last slash, which is included; empty where it has none.
    package var folderPart: SubSequence {
        lastPlace(of: "/").map { self[..<utf8.index(after: $0)] } ?? self[..<startIndex]
    }

    /// Where a byte of ASCII is last.
    package func lastPlace(of byte: Unicode.Scalar) -> Index? { utf8.lastIndex(of: UInt8(ascii: byte)) }
}
