internal import FlatValue
internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

/// Batches that are written together, and what has become of their entries so far. It outlives failed attempts.
final class Round {
    typealias Answer = @Sendable (JournalBatch, [JournalOutcome]) -> Void

    let batches: [(batch: JournalBatch, answer: Answer)]
    /// One for each entry of each batch; nil while it is not decided.
    private var outcomes: [[JournalOutcome?]]
    /// An attempt broke off where nobody knows whether its transaction is in the store.
    var isInDoubt = false
    /// Entries are written one by one, so that what cannot be written fails alone.
    var isApart = false
    /// The first batch that has undecided entries.
    private var next = 0

    init(_ batches: [(batch: JournalBatch, answer: Answer)]) {
        self.batches = batches
        outcomes = batches.map { Array(repeating: nil, count: $0.batch.entries.count) }
    }

    /// Whether a batch goes on with a run that is under way, so that something is lost if it is refused.
    var goesOn: Bool { batches.contains { $0.batch.entries.contains { $0.sequence > 0 } } }

    /// The place of an entry: its batch and its number in it.
    struct Place: Hashable {
        let batch: Int
        let entry: Int
    }

    subscript(_ place: Place) -> JournalEntry { batches[place.batch].batch.entries[place.entry] }

    func bytes(of place: Place) -> UnsafeRawBufferPointer { batches[place.batch].batch.bytes.bytes }

    func decide(_ place: Place, _ outcome: JournalOutcome) { outcomes[place.batch][place.entry] = outcome }

    /// The entries that are not decided, at most so many of at most so many bytes, but one at least.
    func undecided(limit: Int, bytes: Int) -> [Place] {
        var places: [Place] = []
        var size = 0
        for batch in next..<batches.count {
            for (entry, outcome) in outcomes[batch].enumerated() where outcome == nil {
                let written = batches[batch].batch.entries[entry]
                size += written.events.count + written.arena.count
                if !places.isEmpty, places.count >= limit || size > bytes { return places }
                places.append(Place(batch: batch, entry: entry))
            }
            // What is decided stays so.
            if places.isEmpty { next = batch + 1 }
        }
        return places
    }

    /// Every entry that is not decided.
    var allUndecided: [Place] { undecided(limit: .max, bytes: .max) }

    /// Answers everybody; what is not decided ends in `outcome`.
    func answer(undecided outcome: JournalOutcome) {
        for (index, (batch, answer)) in batches.enumerated() { answer(batch, outcomes[index].map { $0 ?? outcome }) }
    }
}
