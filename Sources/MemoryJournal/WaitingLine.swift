/// The order in which queued runs begin.
struct QueueRank: Comparable {
    var priority: Int64
    /// Grows with each run that enters the queue.
    var number: Int
    var id: String

    static func < (left: QueueRank, right: QueueRank) -> Bool {
        left.priority == right.priority ? left.number < right.number : left.priority > right.priority
    }
}

/// Runs that wait, in order. To join behind all of the same priority and to leave from the front takes constant time.
struct WaitingLine {
    /// By priority, the highest first; none is empty.
    private var parts: [(priority: Int64, runs: ArraySlice<QueueRank>)] = []

    var isEmpty: Bool { parts.isEmpty }
    var count: Int { parts.reduce(0) { $0 + $1.runs.count } }
    var first: QueueRank? { parts.first?.runs.first }

    /// How many stand before a rank, counted up to a bound.
    func count(before rank: QueueRank, atMost most: Int) -> Int {
        var count = 0
        for part in parts where part.priority >= rank.priority && count < most {
            count +=
                part.priority > rank.priority
                ? part.runs.count : Self.place(of: rank, in: part.runs) - part.runs.startIndex
        }
        return min(count, most)
    }

    /// The first ones before a rank, at most so many.
    func before(_ rank: QueueRank, atMost most: Int) -> [QueueRank] {
        Array(parts.lazy.flatMap(\.runs).prefix(most).prefix { $0 < rank })
    }

    mutating func insert(_ rank: QueueRank) {
        guard let index = parts.firstIndex(where: { $0.priority <= rank.priority }) else {
            return parts.append((rank.priority, [rank]))
        }
        guard parts[index].priority == rank.priority else {
            return parts.insert((rank.priority, [rank]), at: index)
        }
        parts[index].runs.insert(rank, at: Self.place(of: rank, in: parts[index].runs))
    }

    mutating func remove(_ rank: QueueRank) {
        guard let index = parts.firstIndex(where: { $0.priority == rank.priority }) else { return }
        let place = Self.place(of: rank, in: parts[index].runs)
        guard place < parts[index].runs.endIndex, parts[index].runs[place] == rank else { return }
        if place == parts[index].runs.startIndex {
            parts[index].runs.removeFirst()
        } else {
            parts[index].runs.remove(at: place)
        }
        if parts[index].runs.isEmpty { parts.remove(at: index) }
    }

    /// Where a rank stands, or would stand, among those of its priority.
    private static func place(of rank: QueueRank, in runs: ArraySlice<QueueRank>) -> Int {
        if let last = runs.last, last < rank { return runs.endIndex }
        var (low, high) = (runs.startIndex, runs.endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if runs[middle] < rank { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
