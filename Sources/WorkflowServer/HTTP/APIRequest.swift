internal import Crypto
internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NIOHTTP1
internal import WorkflowCore
internal import WorkflowEngine

/// What a handler reads of a request.
struct APIRequest {
    let request: Request
    let context: ServerContext
    /// The largest body, in bytes.
    let limit: Int
    /// What all bodies that are coming in may take.
    let bodies: BodyBudget
    /// In which order large bodies are worked on.
    let turns: BodyTurns
    let route: Route

    /// A part of the path, percent-decoded.
    func parameter(_ name: String) throws -> String {
        guard let raw = context.parameters.get(name), let text = BytesText.percentDecoded(raw), !text.isEmpty else {
            throw APIError.badRequest("The path is not valid UTF-8 behind its percent signs")
        }
        return text
    }

    /// The rest of the path behind the route's own parts, percent-decoded.
    func rest() throws -> String {
        let raw = context.parameters.getCatchAll().joined(separator: "/")
        guard let text = BytesText.percentDecoded(raw), !text.isEmpty else {
            throw APIError.badRequest("The path is not valid UTF-8 behind its percent signs")
        }
        return text
    }

    /// The last value of a name in the query; nil for none.
    func query(_ name: String) -> String? { queryValues(name).last }

    /// Refuses what is no UTF-8, and names that the route does not read: a filter that is misspelt must not look as if it held.
    func refuseUnknownParameters() throws {
        for pair in (request.uri.query ?? "").split(separator: "&") where BytesText.percentDecoded(pair) == nil {
            throw APIError.badRequest("The query is not valid UTF-8 behind its percent signs: '\(pair)'")
        }
        if route.isLenient { return }
        var seen: Set<String> = []
        for pair in (request.uri.query ?? "").split(separator: "&") {
            let raw = String(pair.prefix { $0 != "=" })
            guard let name = BytesText.percentDecoded(raw), let known = route.query.first(where: { $0.name == name })
            else {
                throw APIError.unknown(
                    "query parameter", BytesText.percentDecoded(raw) ?? raw, route.query.map(\.name))
            }
            guard seen.insert(name).inserted || known.isRepeatable else {
                throw APIError.badRequest("\(name) is given more than once", code: "repeated_parameter")
            }
        }
    }

    /// The items of all values of a name in the query, which are lists separated by commas.
    func list(_ name: String) throws -> [String] {
        try queryValues(name).flatMap { value in
            let items = value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            if items.contains("") { throw APIError.badRequest("\(name) has an empty name: '\(value)'") }
            return items
        }
    }

    func queryValues(_ name: String) -> [String] { queryPairs.filter { $0.name == name }.map(\.value) }

    /// The names and values of the query, in order; what is no UTF-8 is left out.
    var queryPairs: [(name: String, value: String)] {
        (request.uri.query ?? "").split(separator: "&").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = BytesText.percentDecoded(parts[0]) else { return nil }
            guard parts.count == 2 else { return (name, "") }
            return BytesText.percentDecoded(parts[1].replacing("+", with: " ")).map { (name, $0) }
        }
    }

    /// A number in the query.
    func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = query(name) else { return nil }
        let isPlain = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isPlain, let number = Int(text), range.contains(number) else {
            throw APIError.badRequest(
                "\(name) has to be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Yes or no in the query; absent is no, and a name alone is yes.
    func flag(_ name: String) throws -> Bool {
        switch query(name) {
        case nil, "false"?, "0"?: return false
        case ""?, "true"?, "1"?: return true
        case let text?: throw APIError.badRequest("\(name) has to be true or false, got '\(text)'")
        }
    }

    /// What the header `Idempotency-Key` makes of a request by its sender: 32 hexadecimal digits; nil without the header.
    ///
    /// - Parameter scope: what a key means but once, beside its sender.
    func key(of scope: String = "") throws -> String? {
        let keys = request.headers[values: .idempotencyKey]
        if keys.count > 1 { throw APIError.badRequest("There is more than one Idempotency-Key") }
        guard let key = keys.first else { return nil }
        if key.isEmpty { throw APIError.badRequest("Idempotency-Key is empty") }
        // What is no UTF-8 has come as U+FFFD, as which different keys would be one.
        if key.unicodeScalars.contains("\u{FFFD}") { throw APIError.badRequest("Idempotency-Key is not UTF-8") }
        let hash = SHA256.hash(data: Array("\(scope)\n\(context.principal.name)\n\(key)".utf8))
        return BytesText.hex(hash.prefix(16))
    }

    /// How long the client would have us wait.
    func wait() throws -> Duration? {
        guard let text = query("wait") else { return nil }
        guard let time = DurationText.microseconds(text), time >= 0, time <= 3_600_000_000 else {
            throw APIError.badRequest("wait has to be a time such as 30s, at most 1h")
        }
        return .microseconds(time)
    }

    /// Refuses what a client says in a body to a route that changes something and reads none: it must not look as if it counted.
    func refuseUnreadBody() async throws {
        guard route.refusesBody else { return }
        _ = try await optionalObject()
    }

    /// The body, an object.
    func object() async throws -> Value { try object(try await value()) }

    /// Calls `work` with the body, an object, in the turn of a large one: what works on it takes several times its size.
    func withObject<Result>(_ work: (Value) async throws -> Result) async throws -> Result {
        var held = 0
        defer { bodies.give(held) }
        let buffer = try await json(holding: &held)
        return try await turns.during(buffer.readableBytes) { try await work(object(value(buffer))) }
    }

    private func object(_ value: Value?) throws -> Value {
        guard let value else { throw APIError.badRequest("Invalid JSON payload", code: "invalid_json") }
        return try expectObject(value)
    }

    private func expectObject(_ value: Value) throws -> Value {
        guard let entries = value.entries else { throw APIError.badRequest("Request body must be an object") }
        if route.isLenient { return value }
        let properties = route.body?["properties"]
        for entry in entries where properties?[entry.key] == nil {
            throw APIError.unknown("key", entry.key, (properties?.entries ?? []).map(\.key))
        }
        return value
    }

    /// The body, an object; an absent one is an empty object.
    func optionalObject() async throws -> Value {
        guard let value = try await value() else { return .emptyObject }
        return try expectObject(value)
    }

    private func value() async throws -> Value? { try value(try await json()) }

    private func value(_ buffer: ByteBuffer) throws -> Value? {
        guard buffer.readableBytes > 0 else { return nil }
        do {
            return try buffer.withUnsafeReadableBytes { try Value(json: $0, isStrict: true) }
        } catch {
            if let key = (error as? JSONError)?.repeatedKey {
                // Which of the two counts differs between readers.
                throw APIError.badRequest("The key '\(key.prefix(200))' comes twice", code: "repeated_key")
            }
            var refusal = APIError.badRequest("Invalid JSON payload", code: "invalid_json")
            if let error = error as? JSONError { refusal.details = ["message": Value(error.description)] }
            throw refusal
        }
    }

    /// The body as it came, which is JSON by its type; a browser sends no other site's page that without asking first.
    func json() async throws -> ByteBuffer {
        var held = 0
        defer { bodies.give(held) }
        return try await json(holding: &held)
    }

    /// - Parameter held: how much of ``bodies`` the body takes, which is the caller's to give back.
    private func json(holding held: inout Int) async throws -> ByteBuffer {
        let isJSON = request.headers[.contentType].map { HookReading.isJSON($0) } ?? true
        // What is known to come is refused before it is read; a body of no bytes has any type.
        if !isJSON, announcedLength > 0 { throw Self.notJSON }
        let buffer = try await buffer(holding: &held)
        if !isJSON, buffer.readableBytes > 0 { throw Self.notJSON }
        return buffer
    }

    /// Calls `work` with the body as it came, of whatever type, in the turn of a large one.
    func withBytes<Result>(_ work: (ByteBuffer) async throws -> Result) async throws -> Result {
        var held = 0
        defer { bodies.give(held) }
        let buffer = try await buffer(holding: &held)
        return try await turns.during(buffer.readableBytes) { try await work(buffer) }
    }

    /// How many bytes the head says that the body has; 0 where it does not say.
    private var announcedLength: Int {
        // What the parser took for a number, and is none here, is larger than any.
        request.headers[.contentLength].map { Int($0) ?? .max } ?? 0
    }

    private static var notJSON: APIError {
        APIError(.unsupportedMediaType, "unsupported_media_type", "The content type has to be application/json")
    }

    private func buffer(holding held: inout Int) async throws -> ByteBuffer {
        let encodings = request.headers[values: .contentEncoding].flatMap { $0.split(separator: ",") }
        if encodings.contains(where: { $0.filter { $0 != " " }.lowercased() != "identity" }) {
            var refusal = APIError(
                .unsupportedMediaType, "unsupported_encoding", "The body has to come without a content encoding")
            refusal.headers[.acceptEncoding] = "identity"
            throw refusal
        }
        if announcedLength > limit { throw tooLarge }
        do {
            return try await collect(holding: &held)
        } catch let error as APIError {
            throw error
        } catch let error as HTTPParserError {
            throw error
        } catch {
            throw APIError.badRequest("The request body ended before its end", code: "incomplete_body")
        }
    }

    private func collect(holding held: inout Int) async throws -> ByteBuffer {
        var body = ByteBuffer()
        for try await chunk in request.body {
            guard body.readableBytes + chunk.readableBytes <= limit else { throw tooLarge }
            body.writeImmutableBuffer(chunk)
            let more = max(body.readableBytes - BodyBudget.free, 0) - held
            guard more == 0 || bodies.take(more) else {
                throw APIError.overloaded("Too many large bodies are coming in")
            }
            held += more
        }
        return body
    }

    private var tooLarge: APIError {
        APIError(.contentTooLarge, "too_large", "The request body has more than \(limit) bytes")
    }
}

extension Value {
    /// A field of an object that is there and not null.
    func field(_ name: String) -> Value? {
        // A bare nil could as well mean the value null.
        guard let value = self[name], !value.isNull else { return Value?.none }
        return value
    }

    /// A text among the fields.
    func text(_ name: String) throws -> String? {
        guard let value = field(name) else { return nil }
        guard let text = value.string else { throw APIError.badRequest("\(name) has to be a string") }
        return text
    }

    /// An object among the fields.
    func nested(_ name: String) throws -> Value? {
        guard let value = field(name) else { return nil }
        guard value.entries != nil else { throw APIError.badRequest("\(name) has to be an object") }
        return value
    }

    /// A duration among the fields, in microseconds: a text such as `30s`, or a number of seconds.
    func duration(_ name: String) throws -> Int64? {
        guard let value = field(name) else { return nil }
        guard value.entries == nil, let time = DurationText.microseconds(value) else {
            throw APIError.badRequest("\(name) has to be a duration such as 30s")
        }
        return time
    }

    func flag(_ name: String) throws -> Bool {
        guard let value = field(name) else { return false }
        guard let flag = value.bool else { throw APIError.badRequest("\(name) has to be true or false") }
        return flag
    }
}
