internal import Platform

/// Addresses that are not of the public network: this machine, private networks, links, and what clouds serve their machines
/// there.
enum SpecialAddress {
    /// Whether the text is an address, of either kind, that only some machines reach, or none.
    static func isSpecial(_ text: String) -> Bool {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            return isSpecial(v4: withUnsafeBytes(of: &four) { Array($0) })
        }
        // A zone may stand behind an address: fe80::1%eth0.
        var six = in6_addr()
        guard inet_pton(AF_INET6, String(text.prefix { $0 != "%" }), &six) == 1 else { return false }
        let bytes = withUnsafeBytes(of: &six) { Array($0) }
        let zeros = bytes.prefix { $0 == 0 }.count
        // ::ffff:a.b.c.d, ::a.b.c.d (with :: and ::1), and 64:ff9b::a.b.c.d, by which IPv4 is reached.
        if zeros >= 12 || zeros == 10 && bytes[10] == 0xFF && bytes[11] == 0xFF {
            return isSpecial(v4: Array(bytes[12...])) || zeros >= 15
        }
        if bytes.starts(with: [0, 0x64, 0xFF, 0x9B]) { return isSpecial(v4: Array(bytes[12...])) }
        if bytes.starts(with: [0x20, 0x02]) { return isSpecial(v4: Array(bytes[2..<6])) }
        // Unique local, link-local and the old site-local, multicast.
        return bytes[0] & 0xFE == 0xFC || bytes[0] == 0xFE && bytes[1] & 0x80 == 0x80 || bytes[0] == 0xFF
    }

    private static func isSpecial(v4 bytes: [UInt8]) -> Bool {
        switch (bytes[0], bytes[1]) {
        case (0, _), (10, _), (127, _), (224..., _): true
        case (100, 64...127), (169, 254), (172, 16...31), (192, 168), (198, 18...19): true
        case (192, 0): bytes[2] == 0 || bytes[2] == 2
        default: false
        }
    }
}

extension Permissions {
    /// Whether a connection to a host, by the name that the request has, may go to the address that it resolved to.
    ///
    /// A name does not allow what lies behind the public network: for that its address has to be granted, or all hosts. The
    /// names of this machine stand for it where they are granted themselves.
    func allowsAddress(_ address: String, host: String, port: Int) -> Bool {
        guard case .only(let names) = net, SpecialAddress.isSpecial(address) else { return true }
        if allowsNet(host: address, port: port) { return true }
        let host = host.lowercased()
        let isLocal = host == "localhost" || host.hasSuffix(".localhost")
        return isLocal && names.contains { $0.lowercased() == host || $0.lowercased() == "\(host):\(port)" }
    }
}
