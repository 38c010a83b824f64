internal import WorkflowCore

/// A request as a script asks for it, checked and with the usual values filled in.
struct HTTPCall: Sendable {
    static let usualTimeout: Int64 = 30_000_000
    static let usualSizeLimit = 16 << 20
    static let usualRedirects = 10

    var method: String
    var url: WebAddress
    var headers: [(name: String, value: String)]
    var body: [UInt8]?
    /// Microseconds for everything: connecting, redirects, the last byte of the body.
    var timeout: Int64
    /// The largest body that is taken, in bytes.
    var sizeLimit: Int
    /// How many redirects are followed; one more is an error, and with 0 the redirect itself is the answer.
    var redirects: Int

    /// Reads `{ method, url, headers?, query?, body?, timeout?, max_size?, redirects? }`.
    init(_ payload: Value) throws(HostFailure) {
        method = payload["method"]?.string ?? "GET"
        guard !method.isEmpty, method.utf8.allSatisfy(Self.isTokenByte) else {
            throw HostFailure("invalid_request", "'\(method)' is no HTTP method", retryable: false)
        }
        let text = payload["url"]?.string ?? ""
        url = try WebAddress(QueryText.adding(payload["query"], to: text))
        headers = try Self.headers(payload["headers"])
        body = payload["body"]?.withCursor { $0.stringBytes.map(Array.init) }
        timeout = Self.usualTimeout
        if let given = payload["timeout"], !given.isNull {
            guard let duration = DurationText.microseconds(given), duration > 0 else {
                throw HostFailure(
                    "invalid_request", "timeout takes seconds or a text like \"5s\", got \(given.json)",
                    retryable: false)
            }
            timeout = duration
        }
        sizeLimit = try Self.count(payload["max_size"], "max_size", usual: Self.usualSizeLimit)
        redirects = try Self.count(payload["redirects"], "redirects", usual: Self.usualRedirects)
    }

    private static func count(_ value: Value?, _ name: String, usual: Int) throws(HostFailure) -> Int {
        guard let value, !value.isNull else { return usual }
        if value.bool == false { return 0 }
        guard let count = value.int ?? value.double.flatMap(Int64.init(exactly:)), count >= 0 else {
            throw HostFailure(
                "invalid_request", "\(name) takes a number from 0 on, got \(value.json)", retryable: false)
        }
        return Int(clamping: count)
    }

    private static func headers(_ value: Value?) throws(HostFailure) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for (name, value) in value?.entries ?? [] {
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw HostFailure("invalid_request", "'\(name)' is no header name", retryable: false)
            }
            for item in value.array ?? [value] {
                let text = item.string ?? item.json
                // A line break would let a value add headers, or a request, of its own.
                guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                    throw HostFailure(
                        "invalid_request", "the header '\(name)' has a line break in its value", retryable: false)
                }
                headers.append((name, text))
            }
        }
        return headers
    }

    /// The bytes of which methods and header names are made (RFC 9110, token).
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
