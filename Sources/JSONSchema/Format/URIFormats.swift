/// URIs (RFC 3986), IRIs (RFC 3987) and URI templates (RFC 6570).
enum URIFormats {
    static func isURI(_ text: UnsafeRawBufferPointer, international: Bool) -> Bool {
        let reference = URIReference(String(decoding: text, as: UTF8.self))
        return reference.scheme != nil && isValid(reference, international: international)
    }

    static func isReference(_ text: UnsafeRawBufferPointer, international: Bool) -> Bool {
        isValid(URIReference(String(decoding: text, as: UTF8.self)), international: international)
    }

    static func isURL(_ text: UnsafeRawBufferPointer) -> Bool {
        let reference = URIReference(String(decoding: text, as: UTF8.self))
        guard let scheme = reference.scheme?.lowercased(), scheme == "http" || scheme == "https" else { return false }
        guard let authority = reference.authority, !host(of: authority).isEmpty else { return false }
        return isValid(reference, international: true)
    }

    private static func isValid(_ reference: URIReference, international: Bool) -> Bool {
        if let authority = reference.authority, !isAuthority(authority, international: international) { return false }
        if reference.scheme == nil, reference.authority == nil,
            reference.path.prefix(while: { $0 != "/" }).contains(":")
        {
            return false
        }
        return isMade(of: "/:@", reference.path, international)
            && isMade(of: "/?:@", reference.query ?? "", international)
            && isMade(of: "/?:@", reference.fragment ?? "", international)
    }

    private static func host(of authority: Substring) -> Substring {
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        if host.hasPrefix("[") { return host }
        return host.prefix { $0 != ":" }
    }

    private static func isAuthority(_ authority: Substring, international: Bool) -> Bool {
        var rest = authority
        if let at = rest.lastIndex(of: "@") {
            guard isMade(of: ":", rest[..<at], international) else { return false }
            rest = rest[rest.index(after: at)...]
        }
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]"), isLiteral(rest[rest.index(after: rest.startIndex)..<end]) else {
                return false
            }
            rest = rest[rest.index(after: end)...]
            return rest.isEmpty || rest.hasPrefix(":") && rest.utf8.dropFirst().allSatisfy(\.isDigit)
        }
        if let colon = rest.firstIndex(of: ":") {
            guard rest[rest.index(after: colon)...].utf8.allSatisfy(\.isDigit) else { return false }
            rest = rest[..<colon]
        }
        return isMade(of: "", rest, international)
    }

    /// An IPv6 address or an address of a version to come, without its brackets.
    private static func isLiteral(_ text: Substring) -> Bool {
        if text.hasPrefix("v") || text.hasPrefix("V") {
            let parts = text.dropFirst().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty && parts[0].utf8.allSatisfy(\.isHexDigit)
                && !parts[1].contains("%") && isMade(of: ":", parts[1], false)
        }
        var text = String(text)
        return text.withUTF8 { AddressFormats.isIPv6(UnsafeRawBufferPointer($0)) }
    }

    /// Whether a part is made of unreserved characters, sub-delimiters, percent escapes and the characters of `extra`.
    private static func isMade(of extra: String, _ part: Substring, _ international: Bool) -> Bool {
        var rest = part.utf8[...]
        while let byte = rest.popFirst() {
            if byte.isLetter || byte.isDigit || "-._~!$&'()*+,;=".utf8.contains(byte) || extra.utf8.contains(byte) {
                continue
            }
            if byte >= 0x80 {
                guard international else { return false }
                continue
            }
            guard byte == UInt8(ascii: "%"), rest.popFirst()?.isHexDigit == true, rest.popFirst()?.isHexDigit == true
            else {
                return false
            }
        }
        return true
    }

    static func isTemplate(_ text: UnsafeRawBufferPointer) -> Bool {
        var scanner = ByteScanner(text)
        while let byte = scanner.next() {
            switch byte {
            case UInt8(ascii: "{"):
                if !isExpression(&scanner) { return false }
            case UInt8(ascii: "%"):
                guard scanner.next()?.isHexDigit == true, scanner.next()?.isHexDigit == true else { return false }
            case 0...0x20, 0x7F: return false
            default: if "\"'<>\\^`|}".utf8.contains(byte) { return false }
            }
        }
        return true
    }

    private static func isExpression(_ scanner: inout ByteScanner) -> Bool {
        if let sign = scanner.peek, "+#./;?&=,!@|".utf8.contains(sign) { scanner.position += 1 }
        while true {
            guard isVariable(&scanner) else { return false }
            if scanner.take(":") {
                let digits = scanner.skipDigits()
                guard 1...4 ~= digits, scanner.bytes[scanner.position - digits] != UInt8(ascii: "0") else {
                    return false
                }
            } else {
                _ = scanner.take("*")
            }
            if scanner.take("}") { return true }
            if !scanner.take(",") { return false }
        }
    }

    private static func isVariable(_ scanner: inout ByteScanner) -> Bool {
        var length = 0
        while let byte = scanner.peek {
            if byte.isLetter || byte.isDigit || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") && length > 0 {
                scanner.position += 1
            } else if byte == UInt8(ascii: "%") {
                scanner.position += 1
                guard scanner.next()?.isHexDigit == true, scanner.next()?.isHexDigit == true else { return false }
            } else {
                break
            }
            length += 1
        }
        return length > 0 && scanner.bytes[scanner.position - 1] != UInt8(ascii: ".")
    }
}
