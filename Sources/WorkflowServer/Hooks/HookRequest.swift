internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import WorkflowCore
internal import WorkflowEngine

extension APIRequest {
    /// The request as the functions of a hook get it: `{ method, path, query, headers, body, json? }`.
    ///
    /// Names of headers are in lower case; of a name that comes several times in the query the last value counts. Headers that are not
    /// UTF-8 are left out: different ones would be one.
    func hookValue(_ body: ByteBuffer) throws -> Value {
        let text = try text(body)
        var headers: [(String, Value)] = []
        for field in request.headers {
            let (name, value) = (field.name.canonicalName, field.value)
            if value.unicodeScalars.contains("\u{FFFD}") { continue }
            if let index = headers.firstIndex(where: { $0.0 == name }) {
                headers[index].1 = Value("\(headers[index].1.string ?? ""), \(value)")
            } else {
                headers.append((name, Value(value)))
            }
        }
        var query: [(String, Value)] = []
        var places: [String: Int] = [:]
        for (name, value) in queryPairs {
            if let place = places[name] {
                query[place].1 = Value(value)
            } else {
                places[name] = query.count
                query.append((name, Value(value)))
            }
        }
        var entries: [(String, Value)] = [
            ("method", Value(request.method.rawValue)), ("path", Value(request.uri.path)),
            ("query", Value(entries: query)), ("headers", Value(entries: headers)), ("body", Value(text)),
        ]
        if let json = try json(text) { entries.append(("json", json)) }
        return Value(entries: entries)
    }

    /// What a hook without functions starts a run with: the body as JSON, or else as text.
    func hookInput(_ body: ByteBuffer) throws -> Value {
        if let value = body.withUnsafeReadableBytes({ try? Value(json: $0) }) { return value }
        let text = try text(body)
        return try json(text) ?? Value(text)
    }

    private func text(_ body: ByteBuffer) throws -> String {
        guard let text = String(validating: body.readableBytesView, as: UTF8.self) else {
            throw APIError.badRequest("The body of a hook has to be UTF-8", code: "invalid_encoding")
        }
        return text
    }

    /// The body as JSON; nil where it is none and does not say that it is.
    private func json(_ text: String) throws -> Value? {
        do throws(JSONError) {
            return try HookReading.json(text, type: request.headers[.contentType])
        } catch {
            var refusal = APIError.badRequest("Invalid JSON payload", code: "invalid_json")
            refusal.details = ["message": Value(error.description)]
            throw refusal
        }
    }
}
