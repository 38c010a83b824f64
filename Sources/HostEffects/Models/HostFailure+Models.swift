internal import FlatValue
internal import WorkflowCore

extension HostFailure {
    /// The stream ended before the answer did.
    static var incomplete: HostFailure {
        HostFailure("model_answer", "the provider ended its answer before it was complete", retryable: true)
    }

    /// The provider says that an error broke its answer off, and not which.
    static var endedInError: HostFailure {
        HostFailure("model_error", "the provider ended its answer with an error", retryable: true)
    }

    /// An error that a provider reports within a stream, or in a body with the status of a success.
    ///
    /// - Parameter error: an object with a `message`, a `type`, and a `code` that is a word or an HTTP status; or a text.
    static func reported(_ error: Value) -> HostFailure {
        let status = error["code"]?.int ?? error["code"]?.string.flatMap { Int64($0) }
        let words = [error["type"]?.string, status.map { String($0) } ?? error["code"]?.string].compactMap { $0 }
        let label = words.count == 2 && status != nil ? "\(words[0]) (\(words[1]))" : words.first ?? "error"
        let message = error["message"]?.string ?? error.string ?? error.json
        return HostFailure(
            "model_error", "the provider reports \(label): \(message)",
            retryable: words.contains(where: transientErrors.contains)
                || status.map { isTransient(Int(clamping: $0)) } ?? false,
            details: ["body": error])
    }

    /// The words of providers for errors after which the same call may succeed.
    private static let transientErrors: Set = [
        "overloaded_error", "api_error", "rate_limit_error", "rate_limit_exceeded", "timeout_error", "server_error",
    ]

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
