/// Spans that have not been sent: those of a store's runs that ended with entries of some time.
struct UnsentDebt: Equatable {
    /// A place in the runs of a store, of which the newest come first.
    struct Place: Equatable {
        var run: String
        /// How many entries of that run's journal lie before it.
        var entries: Int
    }

    /// How many a process keeps.
    private static let limit = 16

    /// When the entries were written, in microseconds since 1970.
    var times: ClosedRange<Int64>
    /// What lies before has been sent; nil where nothing has.
    var sent: Place?

    /// In order, with those as one that overlap and of which nothing has been sent.
    static func merged(_ debts: [UnsentDebt]) -> [UnsentDebt] {
        var merged: [UnsentDebt] = []
        for debt in debts.sorted(by: { $0.times.lowerBound < $1.times.lowerBound }) where !merged.contains(debt) {
            let around = merged.firstIndex {
                $0.sent == nil && debt.sent == nil && $0.times.upperBound >= debt.times.lowerBound
            }
            if let around {
                merged[around].times = merged[around].times.extended(to: debt.times)
            } else {
                merged.append(debt)
            }
        }
        guard merged.count > limit else { return merged }
        return [UnsentDebt(times: merged.reduce(merged[0].times) { $0.extended(to: $1.times) })]
    }
}

extension ClosedRange<Int64> {
    fileprivate func extended(to other: Self) -> Self {
        Swift.min(lowerBound, other.lowerBound)...Swift.max(upperBound, other.upperBound)
    }
}
