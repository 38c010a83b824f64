/// Spans that have not been sent: those of a store's runs that ended with entries of some time.
struct UnsentDebt: Equatable {
    /// Who lacks them, as ``UnsentSpans`` names endpoints; nil where that is not known, so that whoever sends to any of them pays it.
    typealias Endpoints = Set<String>

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
    var endpoints: Endpoints?
    /// Runs with such entries have been changed since then, by the clocks of those who changed them; microseconds since 1970.
    var since: Int64

    init(times: ClosedRange<Int64>, sent: Place? = nil, endpoints: Endpoints? = nil, since: Int64? = nil) {
        self.times = times
        self.sent = sent
        self.endpoints = endpoints
        self.since = min(since ?? times.lowerBound, times.lowerBound)
    }

    /// What of it is owed to some endpoints; nil for nothing.
    func owed(to known: Endpoints) -> UnsentDebt? {
        var owed = self
        owed.endpoints = endpoints?.intersection(known) ?? known
        return owed.endpoints?.isEmpty == true ? nil : owed
    }

    /// What of it is owed to others than some endpoints; nil for nothing.
    func owed(toOthersThan known: Endpoints) -> UnsentDebt? {
        guard let endpoints, !endpoints.isSubset(of: known) else { return nil }
        var owed = self
        owed.endpoints = endpoints.subtracting(known)
        return owed
    }

    private mutating func add(_ other: UnsentDebt) {
        times = times.extended(to: other.times)
        since = min(since, other.since)
    }

    /// In order, with those as one that overlap, are owed to the same and of which nothing has been sent.
    static func merged(_ debts: [UnsentDebt]) -> [UnsentDebt] {
        var merged: [UnsentDebt] = []
        for debt in debts.sorted(by: { $0.times.lowerBound < $1.times.lowerBound }) where !merged.contains(debt) {
            let around = merged.firstIndex {
                $0.sent == nil && debt.sent == nil && $0.endpoints == debt.endpoints
                    && $0.times.upperBound >= debt.times.lowerBound
            }
            if let around {
                merged[around].add(debt)
            } else {
                merged.append(debt)
            }
        }
        guard merged.count > limit else { return merged }
        // Each endpoint keeps its own as far as there is room for that.
        var whole: [UnsentDebt] = []
        for debt in merged {
            let same = whole.firstIndex { $0.endpoints == debt.endpoints || whole.count >= limit }
            if let same {
                whole[same].add(debt)
                if whole[same].endpoints != debt.endpoints { whole[same].endpoints = nil }
            } else {
                whole.append(UnsentDebt(times: debt.times, endpoints: debt.endpoints, since: debt.since))
            }
        }
        return whole
    }
}

extension ClosedRange<Int64> {
    fileprivate func extended(to other: Self) -> Self {
        Swift.min(lowerBound, other.lowerBound)...Swift.max(upperBound, other.upperBound)
    }
}
