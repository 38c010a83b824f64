internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

extension SpanWriter {
    /// What a span says of the call of a model, by the journal's record of it.
    ///
    /// - Parameters:
    ///   - input: what the model was asked, where the journal has it.
    ///   - isWhole: whether that is all.
    func describe(_ span: inout Span, model record: Value, input: Value?, isWhole: Bool = true) {
        span.kind = .client
        span.status = .ok
        let model = (record["model"]?.string).map(short)
        let usage = record.withCursor { ModelUsage(of: $0) }
        var attributes = span.attributes
        attributes[Names.operation] = .string((record["operation"]?.string).map(short) ?? "chat")
        attributes.set(Names.provider, (record["provider"]?.string).map(short))
        attributes.set(Names.requestModel, model)
        for (key, value) in (record["parameters"]?.entries ?? []).prefix(Self.parameterLimit) {
            attributes[Names.request + short(key)] = redaction.redact(value).attribute
        }
        attributes.set(Names.responseModel, (record["responseModel"]?.string).map(short))
        attributes.set(Names.responseID, (record["responseId"]?.string).map(short))
        if let reason = record["finishReason"]?.string { attributes[Names.finishReasons] = .strings([short(reason)]) }
        add(usage, to: &attributes)
        if let attempts = record["attempts"]?.int, attempts > 1 { attributes[Names.resendCount] = .int(attempts - 1) }
        if let input {
            let text = RecordedContent.text(of: redaction.redact(input), isWhole: isWhole)
            attributes[Names.observationInput] = .string(text)
        }
        if let output = record["output"] {
            attributes[Names.observationOutput] = .string(redaction.redact(output).recordedText)
        }
        if let first = record["firstAt"]?.int {
            attributes[Names.completionStart] = .string(Self.dateText(milliseconds: first))
        }
        attributes.set(Names.serverAddress, (record["serverAddress"]?.string).map(short))
        if let port = record["serverPort"]?.int { attributes[Names.serverPort] = .int(port) }
        attributes[Names.observationType] = .string("generation")
        attributes.set(Names.modelName, model)
        if let parameters = record["parameters"] {
            attributes[Names.modelParameters] = .string(redaction.redact(parameters).recordedText)
        }
        // Buckets that do not overlap, as text: some versions of Langfuse drop integers.
        let buckets: Value = [
            "input": Value(max(usage.inputTokens - usage.cachedInputTokens, 0)), "output": Value(usage.outputTokens),
            "input_cached_tokens": Value(usage.cachedInputTokens),
        ]
        attributes[Names.usageDetails] = .string(buckets.json)
        if usage.cost > 0 {
            let cost: Value = ["total": Value(usage.cost)]
            attributes[Names.costDetails] = .string(cost.json)
        }
        span.attributes = attributes
    }

    /// Parameters of a call that are attributes of their own.
    private static let parameterLimit = 128

    /// A time as ISO 8601 has it, in UTC.
    static func dateText(milliseconds: Int64) -> String {
        // The years 1970 to 9999.
        let time = min(max(milliseconds, 0), 253_402_300_799_999)
        let date = CivilDate(number: Int(time / 86_400_000))
        func digits(_ number: Int64, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(count - text.utf8.count, 0)) + text
        }
        let parts = [time / 3_600_000 % 24, time / 60_000 % 60, time / 1000 % 60].map { digits($0, 2) }
        let day = "\(digits(Int64(date.year), 4))-\(digits(Int64(date.month), 2))-\(digits(Int64(date.day), 2))"
        return "\(day)T\(parts.joined(separator: ":")).\(digits(time % 1000, 3))Z"
    }

    /// The tokens that were used.
    func add(_ usage: ModelUsage, to attributes: inout Attributes) {
        attributes[Names.inputTokens] = .int(usage.inputTokens)
        attributes[Names.outputTokens] = .int(usage.outputTokens)
        if usage.cachedInputTokens > 0 { attributes[Names.cachedInputTokens] = .int(usage.cachedInputTokens) }
    }
}
