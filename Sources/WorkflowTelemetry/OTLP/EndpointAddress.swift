internal import FlatValue

/// Whether a request can go to an address at all, as far as the address itself says it.
enum EndpointAddress {
    /// Why a URL is none to send to; nil for one that may be.
    static func problem(_ url: String) -> String? {
        let scheme = url.prefix { $0 != ":" }.lowercased()
        let rest = url.dropFirst(scheme.utf8.count)
        guard rest.hasPrefix("://"), scheme == "http" || scheme == "https" else { return "takes an http or https URL" }
        if url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) || !escapesAreWhole(url) {
            return "takes a URL without spaces and stray '%'"
        }
        let authority = rest.dropFirst(3).prefix { !"/?#\\".contains($0) }
        let place = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        let isBracketed = place.hasPrefix("[")
        let host: Substring
        if isBracketed {
            guard let end = place.firstIndex(of: "]") else { return "takes a URL whose host ends its '['" }
            host = place[...end]
        } else {
            host = place.prefix { $0 != ":" }
        }
        guard isBracketed ? isIPv6(host.dropFirst().dropLast()) : isName(host) else { return "takes a URL with a host" }
        let port = place[host.endIndex...]
        if port.isEmpty || port == ":" { return nil }
        guard port.hasPrefix(":"), let number = Int(port.dropFirst()), (1...65535).contains(number),
            port.dropFirst().utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return "takes a URL whose port is a number from 1 to 65535" }
        return nil
    }

    private static func isName(_ host: Substring) -> Bool {
        !host.isEmpty && host.unicodeScalars.allSatisfy { !#""<>[]^`{|}\"#.unicodeScalars.contains($0) }
    }

    private static func isIPv6(_ host: Substring) -> Bool {
        host.contains(":") && host.prefix { $0 != "%" }.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }

    private static func escapesAreWhole(_ url: String) -> Bool {
        url.split(separator: "%", omittingEmptySubsequences: false).dropFirst().allSatisfy { piece in
            piece.utf8.count >= 2 && piece.utf8.prefix(2).allSatisfy { BytesText.nibble($0) != nil }
        }
    }
}
