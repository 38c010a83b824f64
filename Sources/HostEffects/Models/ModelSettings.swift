internal import FlatValue
internal import WorkflowCore

/// A model as `aikit.model` describes it.
struct ModelSettings: Sendable {
    /// How often, and how many tokens, within a minute and at once; nil for no limit.
    struct Limits: Sendable, Equatable {
        var concurrency: Int?
        var requestsPerMinute: Int?
        var tokensPerMinute: Int?
    }

    /// Per million tokens.
    struct Price: Sendable {
        var input = 0.0
        var output = 0.0
        /// Of input tokens that the provider had kept; nil: as `input`.
        var cachedInput: Double?
    }

    static let usualTimeout: Int64 = 60_000_000

    var provider: any ModelProvider
    var name: String
    /// Without a slash at its end.
    var baseURL: String
    /// A text, or the mark of a secret; nil for none.
    var key: Value?
    var headers: [(key: String, value: Value)]
    var parameters: [(key: String, value: Value)]
    /// Microseconds for an attempt; of a streamed one, from one piece to the next.
    var timeout: Int64
    var retry: RetryPolicy
    var limits: Limits
    var price: Price?

    /// Reads `{ provider, name, base_url?, api_key?, headers?, parameters?, timeout?, retry?, limits?, price? }`.
    init(_ value: Value) throws(HostFailure) {
        let word = value["provider"]?.string ?? ""
        guard let provider = ModelProviders.named(word) else {
            throw .invalid("there is no provider '\(word)'; known are \(ModelProviders.names.joined(separator: ", "))")
        }
        self.provider = provider
        name = value["name"]?.string ?? ""
        guard !name.isEmpty else { throw .invalid("a model has a name") }
        var base = value["base_url"]?.string ?? provider.usualBaseURL
        while base.hasSuffix("/") { base.removeLast() }
        baseURL = base
        key = value["api_key"].flatMap { $0.isNull ? nil : $0 }
        headers = value["headers"]?.entries ?? []
        parameters = value["parameters"]?.entries ?? []
        timeout = try Self.duration(value["timeout"], "timeout") ?? Self.usualTimeout
        retry = try Self.policy(value["retry"])
        limits = Limits(
            concurrency: Self.count(value["limits"]?["concurrency"]),
            requestsPerMinute: Self.count(value["limits"]?["requests_per_minute"]),
            tokensPerMinute: Self.count(value["limits"]?["tokens_per_minute"]))
        price = value["price"].flatMap { $0.isNull ? nil : $0 }.map { given in
            Price(
                input: given["input"]?.number ?? 0, output: given["output"]?.number ?? 0,
                cachedInput: given["cached_input"]?.number)
        }
    }

    /// Whether the model is served where its provider serves models.
    var isAtProvider: Bool { baseURL == provider.usualBaseURL }

    /// What shares the limits of a model.
    var account: String { "\(provider.name) \(baseURL) \(name)" }

    /// What a call cost; nil without prices.
    func cost(_ usage: ModelUsage) -> Double? {
        guard let price else { return nil }
        let cached = min(usage.cachedInputTokens, usage.inputTokens)
        let fresh = Double(usage.inputTokens - cached) * price.input
        return (fresh + Double(cached) * (price.cachedInput ?? price.input) + Double(usage.outputTokens) * price.output)
            / 1_000_000
    }

    private static func count(_ value: Value?) -> Int? {
        guard let number = value?.int ?? value?.double.flatMap({ Int64(exactly: $0) }), number > 0 else { return nil }
        return Int(clamping: number)
    }

    private static func duration(_ value: Value?, _ name: String) throws(HostFailure) -> Int64? {
        guard let value, !value.isNull else { return nil }
        guard let duration = DurationText.microseconds(value), duration > 0 else {
            throw .invalid("\(name) takes seconds or a text like \"5s\", got \(value.json)")
        }
        return min(duration, HTTPCall.longestTimeout)
    }

    private static func policy(_ value: Value?) throws(HostFailure) -> RetryPolicy {
        var policy = RetryPolicy(maxAttempts: 4, initial: 1_000_000, jitter: 0.2)
        guard let value, !value.isNull else { return policy }
        if let attempts = count(value["max_attempts"]) { policy.maxAttempts = min(attempts, 100) }
        if let backoff = value["backoff"]?.string.flatMap(RetryPolicy.Backoff.init) { policy.backoff = backoff }
        if let initial = try duration(value["initial"], "retry.initial") { policy.initial = initial }
        if let maximum = try duration(value["max"], "retry.max") { policy.maximum = maximum }
        if let factor = value["factor"]?.number, factor.isFinite { policy.factor = min(max(factor, 1), 1000) }
        if let jitter = value["jitter"]?.number, jitter.isFinite { policy.jitter = min(max(jitter, 0), 1) }
        return policy
    }
}
