/// IP addresses.
enum AddressFormats {
    static func isIPv4(_ text: UnsafeRawBufferPointer) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard 1...3 ~= part.count, part.allSatisfy(\.isDigit) else { return false }
                // A leading zero would be octal to some readers.
                if part.count > 1, part.first == UInt8(ascii: "0") { return false }
                return part.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 255
            }
    }

    static func isIPv6(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let gap = firstDoubleColon(text) else { return groups(text[...], isLast: true) == 8 }
        let head = text[..<gap]
        let tail = text[(gap + 2)...]
        guard let before = head.isEmpty ? 0 : groups(head, isLast: false),
            let after = tail.isEmpty ? 0 : groups(tail, isLast: true)
        else { return false }
        return before + after <= 7
    }

    private static func firstDoubleColon(_ text: UnsafeRawBufferPointer) -> Int? {
        (0..<max(0, text.count - 1)).first { text[$0] == UInt8(ascii: ":") && text[$0 + 1] == UInt8(ascii: ":") }
    }

    /// The number of 16-bit groups, where an IPv4 address at the end counts as two; nil where one is malformed.
    private static func groups(_ text: Swift.Slice<UnsafeRawBufferPointer>, isLast: Bool) -> Int? {
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var count = 0
        for (index, part) in parts.enumerated() {
            if isLast, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard isIPv4(UnsafeRawBufferPointer(rebasing: part)) else { return nil }
                count += 2
            } else {
                guard 1...4 ~= part.count, part.allSatisfy(\.isHexDigit) else { return nil }
                count += 1
            }
        }
        return count
    }
}
