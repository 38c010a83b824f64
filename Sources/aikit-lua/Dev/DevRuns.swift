/// The runs of a dev session: which generation each is on, and whether it is still under way.
struct DevRuns: Equatable {
    struct Entry: Equatable {
        var number: Int
        var generation: Int
    }

    /// Those under way, in the order in which they began.
    private(set) var inFlight: [Entry] = []
    private var count = 0

    /// A run begins; its number, from 1.
    mutating func begin(on generation: Int) -> Int {
        count += 1
        inFlight.append(Entry(number: count, generation: generation))
        return count
    }

    /// A run is over; nil if that was known.
    mutating func end(_ number: Int) -> Entry? {
        guard let index = inFlight.firstIndex(where: { $0.number == number }) else { return nil }
        return inFlight.remove(at: index)
    }

    func isInFlight(_ number: Int) -> Bool { inFlight.contains { $0.number == number } }

    /// How many runs stay on generations before this one, the oldest first.
    func staying(before generation: Int) -> [(generation: Int, runs: Int)] {
        let older = inFlight.filter { $0.generation < generation }
        return Set(older.map(\.generation)).sorted().map { number in
            (number, older.count { $0.generation == number })
        }
    }
}
