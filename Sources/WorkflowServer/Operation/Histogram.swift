/// Durations counted in buckets, as Prometheus reads them.
struct Histogram: Sendable {
    /// Upper ends in seconds.
    static let bounds: [Double] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 3600]

    private var counts = [Int](repeating: 0, count: bounds.count)
    private var count = 0
    private var sum = 0.0

    mutating func add(seconds: Double) {
        count += 1
        sum += seconds
        for (index, bound) in Self.bounds.enumerated() where seconds <= bound { counts[index] += 1 }
    }

    /// The lines of the histogram; `labels` without braces, such as `workflow="a"`.
    func lines(_ name: String, _ labels: String) -> [String] {
        zip(Self.bounds, counts).map { "\(name)_bucket{\(labels),le=\"\($0)\"} \($1)" }
            + [
                "\(name)_bucket{\(labels),le=\"+Inf\"} \(count)", "\(name)_sum{\(labels)} \(sum)",
                "\(name)_count{\(labels)} \(count)",
            ]
    }
}
