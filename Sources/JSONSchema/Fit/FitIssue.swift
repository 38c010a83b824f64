/// Something that one schema lets through and another one, which reads it next, does not take.
public struct FitIssue: Equatable, Sendable {
    public enum Verdict: String, Sendable {
        /// Whatever the producer gives there is refused.
        case definite
        /// Some of what the producer may give is refused.
        case doubtful
    }

    public let verdict: Verdict
    /// The place in the value: `wind`, `items[].price`; empty for the value itself.
    public let path: String
    /// What the producer does, as the verb of a sentence: `gives string`, `may leave it out`.
    public let gives: String
    /// What the consumer does, as the verb of a sentence: `expects number`, `needs it`.
    public let expects: String
    /// Whether both sides name fixed values and have none in common, which tells the branches of a union apart.
    var isOfOtherBranch = false

    public init(verdict: Verdict, path: String, gives: String, expects: String) {
        self.verdict = verdict
        self.path = path
        self.gives = gives
        self.expects = expects
    }

    /// The issue in words: `wind: step 'fetch' gives string, step 'risk' expects number`.
    public func message(from producer: String = "the producer", to consumer: String = "the consumer") -> String {
        "\(path.isEmpty ? "" : path + ": ")\(producer) \(gives), \(consumer) \(expects)"
    }
}
