internal import WorkflowEngine

/// Why what a store has under the name of a run cannot be that run's journal. Other runs are not affected.
struct RunDamage: Error {
    var run: String
    /// The first event of the entry that does not fit, from 1; nil where no entry is to blame.
    var event: Int?
    var reason: String

    func error(store name: String) -> JournalError {
        JournalError(
            code: .storeCorrupt,
            message: "run \(run) in the store \(name) is damaged: "
                + (event.map { "the entry from event \($0) on " } ?? "")
                + "\(reason); other runs are not affected",
            remedy: .check)
    }

    var problem: StoreProblem {
        StoreProblem(run: run, event: event, reason: (event == nil ? "" : "the entry ") + reason)
    }
}
