package import FlatValue
internal import WorkflowCore

/// Writes the query of a URL: names in order, values percent-encoded, a list as one pair for each item.
package enum QueryText {
    /// The URL with the query behind the one that it has; a query that is text is taken as it is.
    package static func adding(_ query: Value?, to url: String) -> String {
        let pairs = (query?.entries ?? []).sorted { $0.key < $1.key }.flatMap { key, value in
            (value.array ?? [value]).map { encoded(Array(key.utf8)) + "=" + encoded(bytes($0)) }
        }
        let added = query?.string ?? pairs.joined(separator: "&")
        guard !added.isEmpty else { return url }
        let end = url.firstIndex(of: "#") ?? url.endIndex
        let base = url[..<end]
        let separator = !base.contains("?") ? "?" : base.hasSuffix("?") || base.hasSuffix("&") ? "" : "&"
        return base + separator + added + url[end...]
    }

    private static func bytes(_ value: Value) -> [UInt8] {
        value.withCursor { $0.stringBytes.map(Array.init) } ?? Array(value.json.utf8)
    }

    /// Everything but the unreserved characters of RFC 3986 as `%XX`.
    static func encoded(_ text: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
