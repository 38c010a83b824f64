internal import WorkflowCore

extension SpanWriter {
    /// What a span says of the call of a model, by the journal's record of it.
    func describe(_ span: inout Span, model record: Value) {
        span.kind = .client
        span.status = .ok
        let model = record["model"]?.string
        let usage = record.withCursor { ModelUsage(of: $0) }
        var attributes = span.attributes
        attributes[Names.operation] = .string(record["operation"]?.string ?? "chat")
        attributes.set(Names.provider, record["provider"]?.string)
        attributes.set(Names.requestModel, model)
        for (key, value) in record["parameters"]?.entries ?? [] { attributes[Names.request + key] = value.attribute }
        attributes.set(Names.responseModel, record["responseModel"]?.string)
        attributes.set(Names.responseID, record["responseId"]?.string)
        if let reason = record["finishReason"]?.string { attributes[Names.finishReasons] = .strings([reason]) }
        attributes[Names.inputTokens] = .int(usage.inputTokens)
        attributes[Names.outputTokens] = .int(usage.outputTokens)
        if usage.cachedInputTokens > 0 { attributes[Names.cachedInputTokens] = .int(usage.cachedInputTokens) }
        attributes.set(Names.serverAddress, record["serverAddress"]?.string)
        if let port = record["serverPort"]?.int { attributes[Names.serverPort] = .int(port) }
        attributes[Names.observationType] = .string("generation")
        attributes.set(Names.modelName, model)
        if let parameters = record["parameters"] { attributes[Names.modelParameters] = .string(parameters.json) }
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
}
