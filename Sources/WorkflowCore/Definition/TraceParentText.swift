/// The header `traceparent` of W3C's trace context.
package enum TraceParentText {
    /// What the header says.
    package struct Parts: Equatable, Sendable {
        /// 32 lower-case hexadecimal digits.
        package var trace: Substring
        /// 16 of them.
        package var span: Substring
        package var flags: UInt8
    }

    /// Later versions may have more behind what is known; more than that is nobody's.
    private static let longest = 512

    /// Reads `00-<trace>-<span>-<flags>`, all of it in lower case; a later version than 00 may have more behind a hyphen. Nil for
    /// other text, for version ff, and for ids that are zero.
    package static func parts(of text: String) -> Parts? {
        guard (55...longest).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return nil
        }
        let parts = text.split(separator: "-", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count >= 4, isHex(parts[0], 2), parts[0] != "ff", parts[0] != "00" || parts.count == 4,
            isHex(parts[1], 32), parts[1].contains(where: { $0 != "0" }), isHex(parts[2], 16),
            parts[2].contains(where: { $0 != "0" }), isHex(parts[3], 2), let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        return Parts(trace: parts[1], span: parts[2], flags: flags)
    }

    private static func isHex(_ text: Substring, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
