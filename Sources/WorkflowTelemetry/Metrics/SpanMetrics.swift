internal import FlatValue
internal import WorkflowCore

/// Counts and times of runs, steps and calls of models, made of their spans alone; all of it since the beginning.
///
/// Names and units of calls of models are those of OpenTelemetry's GenAI conventions.
struct SpanMetrics {
    /// A number of values by how large they are.
    struct Distribution: Equatable {
        var count: UInt64 = 0
        var sum = 0.0
        /// One more than there are bounds.
        var buckets: [UInt64]

        mutating func add(_ value: Double, _ bounds: [Double]) {
            count += 1
            sum += value
            buckets[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        }
    }

    /// What is measured, with its unit.
    enum Instrument: String, CaseIterable {
        case runs = "aikit.workflow.runs"
        case steps = "aikit.workflow.step.duration"
        case calls = "gen_ai.client.operation.duration"
        case tokens = "gen_ai.client.token.usage"

        var unit: String {
            switch self {
            case .runs: "{run}"
            case .steps, .calls: "s"
            case .tokens: "{token}"
            }
        }

        /// The largest value of each bucket but the last.
        var bounds: [Double] {
            switch self {
            case .runs: []
            case .steps, .calls: (0..<14).map { 0.01 * Double(1 << $0) }
            case .tokens: (0..<14).map { Double(1 << (2 * $0)) }
            }
        }
    }

    struct Series: Hashable {
        var instrument: Instrument
        /// `name=value` each.
        var attributes: [String: String]
    }

    private var bounds = SeriesBounds()
    private(set) var series: [Series: Distribution] = [:]

    mutating func take(_ spans: [Span]) {
        for span in spans { take(span) }
    }

    private mutating func take(_ span: Span) {
        Self.measure(span) { instrument, value, attributes in add(value, instrument, attributes, of: span.workflow) }
    }

    /// What is measured of a span: runs as 1 each, times in seconds, tokens. What a script says of its spans counts for nothing.
    static func measure(_ span: Span, _ add: (Instrument, Double, [String: String]) -> Void) {
        let seconds = Double(max(span.end - span.start, 0)) / 1_000_000
        func own(_ names: [String]) -> [String: String] {
            var attributes: [String: String] = [:]
            for name in names { attributes[name] = span.attributes[name]?.text }
            if case .error = span.status { attributes[Names.errorType] = span.attributes[Names.errorType]?.text }
            return attributes
        }
        switch span.role {
        case .run:
            // A stretch that ends in a wait is not the end of the run.
            let isCancelled = span.events.contains { $0.name == Names.cancelled }
            guard span.status != .unset || isCancelled else { return }
            var attributes = own([Names.workflowName])
            attributes["status"] =
                if isCancelled { "cancelled" } else if span.status == .ok { "success" } else { "failed" }
            add(.runs, 1, attributes)
        case .model:
            let attributes = own([Names.operation, Names.provider, Names.requestModel])
            add(.calls, seconds, attributes)
            for (type, name) in [("input", Names.inputTokens), ("output", Names.outputTokens)] {
                guard let count = span.attributes[name]?.number else { continue }
                add(.tokens, Double(count), attributes.merging(["gen_ai.token.type": type]) { $1 })
            }
        case .step:
            var attributes = own([Names.stepID])
            attributes[Names.workflowName] = span.workflow
            add(.steps, seconds, attributes)
        case .made: break
        }
    }

    private mutating func add(
        _ value: Double, _ instrument: Instrument, _ attributes: [String: String], of workflow: String
    ) {
        let key = self.bounds.series(Series(instrument: instrument, attributes: attributes), of: workflow)
        let bounds = instrument.bounds
        series[key, default: Distribution(buckets: Array(repeating: 0, count: bounds.count + 1))].add(value, bounds)
    }

    /// The body of an OTLP/HTTP request in JSON; nil where nothing has been measured.
    ///
    /// - Parameters:
    ///   - start: when the measuring began, in microseconds since 1970.
    ///   - now: the same for now.
    func body(resource: Attributes, version: String, since start: Int64, now: Int64) -> [UInt8]? {
        if series.isEmpty { return nil }
        let times: [(String, Value)] = [
            ("startTimeUnixNano", Value(otlpTime(start))), ("timeUnixNano", Value(otlpTime(now))),
        ]
        let metrics = Instrument.allCases.compactMap { instrument -> Value? in
            let points = series.filter { $0.key.instrument == instrument }.map { series, values in
                Self.point(series, values, instrument.bounds, times)
            }
            if points.isEmpty { return Value?.none }
            let kind = instrument == .runs ? "sum" : "histogram"
            var data: [(String, Value)] = [("aggregationTemporality", 2), ("dataPoints", Value(array: points))]
            if instrument == .runs { data.append(("isMonotonic", true)) }
            return Value(
                entries: [
                    ("name", Value(instrument.rawValue)), ("unit", Value(instrument.unit)),
                    (kind, Value(entries: data)),
                ])
        }
        let document: Value = [
            "resourceMetrics": [
                [
                    "resource": ["attributes": resource.otlp],
                    "scopeMetrics": [
                        [
                            "scope": ["name": "aikit-lua", "version": Value(version)], "metrics": Value(array: metrics),
                        ]
                    ],
                ]
            ]
        ]
        return Array(document.json.utf8)
    }

    private static func point(
        _ series: Series, _ values: Distribution, _ bounds: [Double], _ times: [(String, Value)]
    ) -> Value {
        let attributes = Attributes(
            series.attributes.sorted { $0.key < $1.key }.map { (key: $0.key, value: Attributes.Item.string($0.value)) })
        let count = Value(String(values.count))
        let own: [(String, Value)] =
            bounds.isEmpty
            ? [("asInt", count)]
            : [
                ("count", count), ("sum", Value(values.sum)),
                ("bucketCounts", Value(array: values.buckets.map { Value(String($0)) })),
                ("explicitBounds", Value(array: bounds.map { Value($0) })),
            ]
        return Value(entries: times + own + [("attributes", attributes.otlp)])
    }
}
