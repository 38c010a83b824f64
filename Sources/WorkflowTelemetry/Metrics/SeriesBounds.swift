/// Which series a process has, so that what scripts and clients say freely takes no room from what is known of workflows.
///
/// Each instrument has a bound of its own. Codes of errors are bounded for each workflow and names of models for all, and both give
/// way to `_OTHER` where an instrument is half full: the other half is left to labels that workflows have by themselves.
struct SeriesBounds {
    /// Series of one instrument; more are counted together, as OpenTelemetry asks for.
    static let limit = 2000
    /// Different codes of errors of one workflow.
    static let codeLimit = 20
    /// Different names of models, and of their providers.
    static let modelLimit = 200
    /// Workflows whose codes are kept apart.
    private static let workflowLimit = 1000
    /// What OpenTelemetry's conventions have for a type of error that is not told.
    static let other = "_OTHER"
    private static let overflow = ["otel.metric.overflow": "true"]

    private var known: Set<SpanMetrics.Series> = []
    private var counts: [SpanMetrics.Instrument: Int] = [:]
    private var codes: [String: Set<String>] = [:]
    private var models: [String: Set<String>] = [:]

    /// The series that a value counts for.
    ///
    /// - Parameter workflow: the workflow whose span was measured.
    mutating func series(_ own: SpanMetrics.Series, of workflow: String) -> SpanMetrics.Series {
        if known.contains(own) { return own }
        let isHalfFull = counts[own.instrument, default: 0] >= Self.limit / 2
        var bounded = own
        if let code = own.attributes[Names.errorType] {
            let isKept = !isHalfFull && keeps(code, of: workflow)
            if !isKept { bounded.attributes[Names.errorType] = Self.other }
        }
        for name in [Names.provider, Names.requestModel] {
            guard let model = own.attributes[name] else { continue }
            let isKept = !isHalfFull && Self.keep(model, in: &models[name, default: []], limit: Self.modelLimit)
            if !isKept { bounded.attributes[name] = Self.other }
        }
        if known.contains(bounded) { return bounded }
        if counts[own.instrument, default: 0] >= Self.limit { bounded.attributes = Self.overflow }
        if known.insert(bounded).inserted { counts[own.instrument, default: 0] += 1 }
        return bounded
    }

    private mutating func keeps(_ code: String, of workflow: String) -> Bool {
        guard codes[workflow] != nil || codes.count < Self.workflowLimit else { return false }
        return Self.keep(code, in: &codes[workflow, default: []], limit: Self.codeLimit)
    }

    private static func keep(_ text: String, in kept: inout Set<String>, limit: Int) -> Bool {
        if kept.contains(text) { return true }
        guard kept.count < limit else { return false }
        kept.insert(text)
        return true
    }
}
