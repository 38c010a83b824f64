internal import FlatValue
internal import WorkflowCore

extension HostFailure {
    /// The stream ended before the answer did.
    static var incomplete: HostFailure {
        HostFailure("model_answer", "the provider ended its answer before it was complete", retryable: true)
    }

    /// An error that a provider reports within a stream.
    static func reported(_ error: Value) -> HostFailure {
        let type = error["type"]?.string ?? error["code"]?.string ?? "error"
        let message = error["message"]?.string ?? error.json
        let isTransient = ["overloaded_error", "api_error", "rate_limit_error", "timeout_error", "server_error"]
        return HostFailure(
            "model_error", "the provider reports \(type): \(message)", retryable: isTransient.contains(type),
            details: ["body": error])
    }

    /// The most of a body that an error shows, in bytes.
    private static let shownBody = 4096

    /// The answer of a provider that refuses a call, with its status and body.
    static func refused(by model: ModelSettings, status: Int, body: [UInt8], retryAfter: Int64?) -> HostFailure {
        let text = String(decoding: body.prefix(shownBody), as: UTF8.self)
        let value = try? Value(json: String(decoding: body, as: UTF8.self))
        let error = value?["error"]
        let message = error?["message"]?.string ?? error?.string ?? value?["message"]?.string ?? text
        var details: [(String, Value)] = [
            ("status", Value(Int64(status))), ("body", value ?? Value(text)), ("model", Value(model.name)),
        ]
        if let retryAfter { details.append(("retry_after", Value(retryAfter))) }
        return HostFailure(
            "model_http", "\(model.provider.name) \(model.name): HTTP \(status): \(message)",
            retryable: isTransient(status), details: Value(entries: details))
    }

    /// Whether the same call may succeed later.
    static func isTransient(_ status: Int) -> Bool {
        status == 408 || status == 409 || status == 429 || (500...599).contains(status)
    }
}
