internal import FlatValue
internal import WorkflowCore

/// A request as a script asks for it, checked and with the usual values filled in.
struct HTTPCall: Sendable {
    static let usualTimeout: Int64 = 30_000_000
    static let usualSizeLimit = 16 << 20
    static let usualRedirects = 10
    static let usualIdleTime: Int64 = 60_000_000
    static let usualStreamLimit = 1 << 30
    static let usualPatience: Int64 = 300_000_000
    /// The most that one answer may take, whatever `max_size` says: it is held in memory.
    static let largestSizeLimit = 256 << 20
    /// The longest `timeout` and `queue_timeout`: a year.
    static let longestTimeout: Int64 = 31_557_600_000_000

    var method: String
    var url: WebAddress
    var headers: [(name: String, value: String)]
    /// Headers whose values are secrets, which the host fills in once the destination has been allowed.
    var secrets: [(name: String, use: SecretUse)]
    var body: [UInt8]?
    /// Microseconds for everything, once the request has its turn: connecting, redirects, the last byte of the body.
    var timeout: Int64
    /// Microseconds to wait for its turn.
    var patience: Int64
    /// The largest body that is taken, in bytes.
    var sizeLimit: Int
    /// Whether the answer is read while it comes; `timeout` is then until it begins.
    var isStream: Bool
    /// Microseconds that a stream may send nothing.
    var idleTime: Int64
    /// How many redirects are followed; one more is an error, and with 0 the redirect itself is the answer.
    var redirects: Int

    /// Reads `{ method, url, headers?, query?, body?, timeout?, queue_timeout?, idle_timeout?, max_size?, redirects? }`.
    init(_ payload: Value, isStream: Bool = false) throws(HostFailure) {
        self.isStream = isStream
        method = payload["method"]?.string ?? "GET"
        guard !method.isEmpty, method.utf8.allSatisfy(Self.isTokenByte) else {
            throw .invalid("'\(method)' is no HTTP method")
        }
        if let query = payload["query"], !query.isNull, query.entries == nil, query.string == nil {
            throw .invalid("query takes a table of names and values, got \(query.json)")
        }
        let text = payload["url"]?.string ?? ""
        url = try WebAddress(QueryText.adding(payload["query"], to: text))
        (headers, secrets) = try Self.headers(payload["headers"])
        body = payload["body"]?.withCursor { $0.stringBytes.map(Array.init) }
        if let given = payload["body"], !given.isNull, body == nil {
            throw .invalid("body takes text, got \(given.json.prefix(60)); `json` sends any value as JSON")
        }
        timeout = try Self.duration(payload["timeout"], "timeout", usual: Self.usualTimeout)
        patience = try Self.duration(payload["queue_timeout"], "queue_timeout", usual: Self.usualPatience)
        idleTime = try Self.duration(payload["idle_timeout"], "idle_timeout", usual: Self.usualIdleTime)
        sizeLimit = try ByteLimit.read(
            payload["max_size"], "max_size", usual: isStream ? Self.usualStreamLimit : Self.usualSizeLimit,
            largest: isStream ? .max : Self.largestSizeLimit)
        redirects = try Self.count(payload["redirects"], "redirects", usual: Self.usualRedirects)
    }

    private static func duration(_ value: Value?, _ name: String, usual: Int64) throws(HostFailure) -> Int64 {
        guard let value, !value.isNull else { return usual }
        guard let duration = DurationText.microseconds(value), duration > 0 else {
            throw .invalid("\(name) takes seconds or a text like \"5s\", got \(value.json)")
        }
        return min(duration, longestTimeout)
    }

    private static func count(_ value: Value?, _ name: String, usual: Int) throws(HostFailure) -> Int {
        guard let value, !value.isNull else { return usual }
        if value.bool == false { return 0 }
        guard let count = value.int ?? value.double.flatMap(Int64.init(exactly:)), count >= 0 else {
            throw .invalid("\(name) takes a number from 0 on, got \(value.json)")
        }
        return Int(clamping: count)
    }

    /// Fills the secrets in. The URL has been allowed.
    ///
    /// - Parameter isNamed: whether the permission named the host.
    mutating func fill(_ store: Secrets, for permissions: Permissions, isNamed: Bool) throws(HostFailure) {
        for (name, use) in secrets {
            let value = try store.value(
                of: use.name, for: permissions, destinationIsNamed: isNamed, host: url.permission)
            let text = use.text(of: value, store.redactor)
            guard Self.isHeaderText(text) else {
                throw .invalid("the secret '\(use.name)' has a line break, so it cannot be a header")
            }
            headers.append((name, text))
        }
    }

    // A line break would let a value add headers, or a request, of its own.
    private static func isHeaderText(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }

    private static func headers(
        _ value: Value?
    ) throws(HostFailure) -> (texts: [(name: String, value: String)], secrets: [(name: String, use: SecretUse)]) {
        guard let value, !value.isNull else { return ([], []) }
        guard let entries = value.entries else { throw .invalid("headers takes a table of names and values") }
        var headers: [(name: String, value: String)] = []
        var secrets: [(name: String, use: SecretUse)] = []
        for (name, value) in entries {
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw .invalid("'\(name)' is no header name")
            }
            for item in value.array ?? [value] {
                if let use = SecretUse(item) {
                    secrets.append((name, use))
                    continue
                }
                guard let text = item.string ?? (item.number == nil ? nil : item.json) else {
                    throw .invalid("the header '\(name)' takes text, got \(item.json.prefix(60))")
                }
                guard isHeaderText(text) else {
                    throw .invalid("the header '\(name)' has a line break in its value")
                }
                headers.append((name, text))
            }
        }
        guard headers.count(where: { $0.name.lowercased() == "host" }) < 2 else {
            throw .invalid("a request has one Host header")
        }
        return (headers, secrets)
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
