/// Figures in the text format of Prometheus.
struct PrometheusText: Sendable {
    enum Kind: String { case counter, gauge, histogram }

    /// A figure of a family, with its labels in their order.
    struct Sample {
        var labels: [(name: String, value: String)]
        var value: String

        init(_ labels: KeyValuePairs<String, String> = [:], _ value: some CustomStringConvertible) {
            self.labels = labels.map { ($0.key, $0.value) }
            self.value = value.description
        }
    }

    private var lines: [String] = []

    var text: String { lines.joined(separator: "\n") + "\n" }

    /// Adds figures of one name, one for each set of labels.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        begin(name, kind, help)
        for sample in samples { add(name, sample.labels, sample.value) }
    }

    /// Adds a figure of which there is one.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: some CustomStringConvertible) {
        add(name, kind, help, [Sample([:], value)])
    }

    /// Adds histograms of one name, one for each value of a label.
    mutating func add(_ name: String, _ help: String, by label: String, _ histograms: [String: Histogram]) {
        begin(name, .histogram, help)
        for (value, histogram) in histograms.sorted(by: { $0.key < $1.key }) {
            add(name, [(label, value)], histogram.buckets, count: histogram.count, sum: histogram.sum)
        }
    }

    /// Adds a histogram; each bucket with its upper end in seconds and the number of all values up to there.
    mutating func add(
        _ name: String, _ help: String, _ buckets: [(bound: Double, count: Int)], count: Int, sum: Double
    ) {
        begin(name, .histogram, help)
        add(name, [], buckets, count: count, sum: sum)
    }

    private mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        lines.append("# HELP \(name) \(help)")
        lines.append("# TYPE \(name) \(kind.rawValue)")
    }

    private mutating func add(
        _ name: String, _ labels: [(name: String, value: String)], _ buckets: [(bound: Double, count: Int)], count: Int,
        sum: Double
    ) {
        for bucket in buckets { add("\(name)_bucket", labels + [("le", "\(bucket.bound)")], "\(bucket.count)") }
        add("\(name)_bucket", labels + [("le", "+Inf")], "\(count)")
        add("\(name)_sum", labels, "\(sum)")
        add("\(name)_count", labels, "\(count)")
    }

    private mutating func add(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
        let shown = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        lines.append(shown.isEmpty ? "\(name) \(value)" : "\(name){\(shown)} \(value)")
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
