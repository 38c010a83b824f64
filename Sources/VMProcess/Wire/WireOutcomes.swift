package import FlatValue
internal import WorkflowCore
package import WorkflowEngine

/// What became of a batch, as it crosses the socket.
package struct WireOutcomes: Sendable {
    package var number: Int64
    package var outcomes: [JournalOutcome]
    /// The runs that singletons have in place of those of the batch, by entry.
    package var rivals: [Int: String]

    package init(number: Int64, outcomes: [JournalOutcome], rivals: [Int: String] = [:]) {
        self.number = number
        self.outcomes = outcomes
        self.rivals = rivals
    }

    package var header: Value {
        let items = outcomes.enumerated().map { index, outcome -> Value in
            switch outcome {
            case .durable: return true
            case .conflict: return false
            case .failed(let error):
                var entries = [("code", Value(error.code)), ("message", Value(error.message))]
                if let rival = rivals[index] { entries.append(("rival", Value(rival))) }
                return Value(entries: entries)
            }
        }
        return ["batch": Value(number), "outcomes": Value(array: items)]
    }

    package init?(_ header: Value) {
        guard let number = header["batch"]?.int, let items = header["outcomes"]?.array else { return nil }
        self.number = number
        outcomes = []
        rivals = [:]
        for (index, item) in items.enumerated() {
            if let isDurable = item.bool {
                outcomes.append(isDurable ? .durable : .conflict)
            } else {
                outcomes.append(
                    .failed(
                        JournalError(
                            code: JournalError.Code(rawValue: item["code"]?.string ?? "failed"),
                            message: item["message"]?.string ?? "")))
                rivals[index] = item["rival"]?.string
            }
        }
    }
}
