internal import CoreMetrics

/// Measures spans with what the process has set up for metrics; names and labels are those of OTLP.
struct MetricsBridge {
    private let factory: any MetricsFactory
    /// The factory keeps each series that it is asked for.
    private var bounds = SeriesBounds()

    init(_ factory: any MetricsFactory) { self.factory = factory }

    mutating func take(_ spans: [Span]) {
        for span in spans {
            SpanMetrics.measure(span) { instrument, value, attributes in
                let own = SpanMetrics.Series(instrument: instrument, attributes: attributes)
                let series = bounds.series(own, of: span.workflow)
                let labels = series.attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
                switch instrument {
                case .runs: Counter(label: instrument.rawValue, dimensions: labels, factory: factory).increment()
                case .steps, .calls:
                    Timer(label: instrument.rawValue, dimensions: labels, factory: factory).recordSeconds(value)
                case .tokens:
                    Recorder(label: instrument.rawValue, dimensions: labels, factory: factory).record(value)
                }
            }
        }
    }
}
