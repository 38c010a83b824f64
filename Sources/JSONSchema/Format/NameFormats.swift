internal import FlatValue

/// Host names (RFC 1123, RFC 5890) and email addresses (RFC 5321, RFC 6531).
enum NameFormats {
    static func isHostname(_ text: UnsafeRawBufferPointer) -> Bool {
        guard 1...253 ~= text.count else { return false }
        return text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            guard isPlainLabel(label) else { return false }
            return !hasAcePrefix(label) || isEncodedLabel(label.dropFirst(4))
        }
    }

    private static func isPlainLabel(_ label: Swift.Slice<UnsafeRawBufferPointer>) -> Bool {
        guard 1...63 ~= label.count, label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-") else {
            return false
        }
        guard label.allSatisfy({ $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "-") }) else { return false }
        // Two hyphens in third place are kept for encoded labels.
        return hasAcePrefix(label) || !(label.count >= 4 && label.dropFirst(2).starts(with: "--".utf8))
    }

    private static func hasAcePrefix(_ label: Swift.Slice<UnsafeRawBufferPointer>) -> Bool {
        label.count >= 4 && label.prefix(4).map { $0 | 0x20 }.elementsEqual("xn--".utf8)
    }

    private static func isEncodedLabel(_ body: Swift.Slice<UnsafeRawBufferPointer>) -> Bool {
        guard let scalars = Punycode.decode(body), scalars.contains(where: { !$0.isASCII }) else { return false }
        return InternationalLabel.isValid(scalars)
    }

    static func isInternationalHostname(_ text: UnsafeRawBufferPointer) -> Bool {
        guard UTF8Sequence.isValid(text) else { return false }
        let scalars = Array(String(decoding: text, as: UTF8.self).unicodeScalars)
        var total = 0
        // IDNA takes three more full stops for the dot.
        for label in scalars.split(
            omittingEmptySubsequences: false,
            whereSeparator: { ".\u{3002}\u{FF0E}\u{FF61}".unicodeScalars.contains($0) })
        {
            guard !label.isEmpty else { return false }
            if label.allSatisfy(\.isASCII) {
                let bytes = label.map { UInt8($0.value) }
                guard bytes.withUnsafeBytes(isHostname) else { return false }
                total += bytes.count + 1
            } else {
                guard InternationalLabel.isValid(Array(label)) else { return false }
                let length = 4 + Punycode.encodedLength(label)
                guard length <= 63 else { return false }
                total += length + 1
            }
        }
        return total <= 254
    }

    static func isEmail(_ text: UnsafeRawBufferPointer, international: Bool) -> Bool {
        guard let at = text.lastIndex(of: UInt8(ascii: "@")), 1...64 ~= at, UTF8Sequence.isValid(text) else {
            return false
        }
        let local = text[..<at]
        let domain = UnsafeRawBufferPointer(rebasing: text[(at + 1)...])
        guard international || !local.contains(where: { $0 >= 0x80 }) else { return false }
        guard isQuoted(local) || isDotAtom(local) else { return false }
        if domain.first == UInt8(ascii: "["), domain.last == UInt8(ascii: "]") {
            let inner = UnsafeRawBufferPointer(rebasing: domain[1..<(domain.count - 1)])
            if inner.starts(with: "IPv6:".utf8) {
                return AddressFormats.isIPv6(UnsafeRawBufferPointer(rebasing: inner.dropFirst(5)))
            }
            return AddressFormats.isIPv4(inner)
        }
        return international ? isInternationalHostname(domain) : isHostname(domain)
    }

    private static func isDotAtom(_ local: Swift.Slice<UnsafeRawBufferPointer>) -> Bool {
        local.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty
                && part.allSatisfy {
                    $0 >= 0x80 || $0.isLetter || $0.isDigit || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0)
                }
        }
    }

    private static func isQuoted(_ local: Swift.Slice<UnsafeRawBufferPointer>) -> Bool {
        guard local.count >= 2, local.first == UInt8(ascii: "\""), local.last == UInt8(ascii: "\"") else {
            return false
        }
        var isEscaped = false
        for byte in local.dropFirst().dropLast() {
            guard byte >= 0x20, byte != 0x7F else { return false }
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                return false
            }
        }
        return !isEscaped
    }
}
