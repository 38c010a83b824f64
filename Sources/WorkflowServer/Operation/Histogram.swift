/// Durations counted in buckets.
struct Histogram: Sendable {
    /// Upper ends in seconds.
    private static let bounds: [Double] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 3600]

    private var counts = [Int](repeating: 0, count: bounds.count)
    private(set) var count = 0
    /// In seconds.
    private(set) var sum = 0.0

    /// Each upper end with the number of durations up to there.
    var buckets: [(bound: Double, count: Int)] { zip(Self.bounds, counts).map { ($0, $1) } }

    mutating func add(seconds: Double) {
        count += 1
        sum += seconds
        for (index, bound) in Self.bounds.enumerated() where seconds <= bound { counts[index] += 1 }
    }
}
