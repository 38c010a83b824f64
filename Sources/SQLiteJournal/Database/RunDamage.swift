internal import GRDB
internal import WorkflowEngine

/// Why what a store has under the name of a run cannot be that run's journal. Other runs are not affected.
struct RunDamage: Error {
    var run: String
    /// The entry that does not fit, as the store numbers entries; nil where none is to blame.
    var entry: Int64?
    /// The first event of that entry, from 1; nil where it is not known.
    var event: Int?
    var reason: String

    func error(store path: String) -> JournalError {
        JournalError(
            code: .storeCorrupt,
            message: "run \(run) in the store \(path) is damaged: \(place)\(reason); other runs are not affected",
            remedy: .check)
    }

    private var place: String {
        guard let entry else { return "" }
        return "entry \(entry)" + (event.map { ", from event \($0) on, " } ?? " ")
    }

    var problem: StoreProblem { StoreProblem(run: run, entry: entry, event: event, reason: reason) }
}

/// An error that concerns one run alone, as its damage; nil for one of the store.
func damage(_ error: any Error, of run: String) -> RunDamage? {
    switch error {
    case let damage as RunDamage: damage
    case let value as MisplacedValue: RunDamage(run: run, reason: value.description)
    case let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT:
        RunDamage(run: run, reason: "the page of the file that it lies on cannot be read")
    default: nil
    }
}
