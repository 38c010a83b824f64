internal import HostEffects
internal import SQLiteJournal
internal import WorkflowCore

/// All that is to be known before a run begins; made of the command line, and checked.
struct RunPlan {
    var script: String
    /// A run that is in the store already, and what moves it on; the script and the input are those that it began with.
    var continuation: Continuation?
    /// A run of the store from which this one takes its beginning.
    var fork: Fork?
    /// The id of the workflow; nil takes the only one.
    var workflow: String?
    var input: Value = .emptyObject
    var metadata: Value?
    var ctx: Value?
    var runID: String?
    /// Print events as JSON instead of the output alone.
    var printsEvents = false
    var store = StoreLocation.memory
    /// What a commit to the store survives.
    var durability = SQLiteJournalOptions.Durability.full
    /// Microseconds that the run may take; nil for as long as it likes.
    var timeout: Int64?
    var workers = 1
    var permissions = Permissions()

    /// What a new run takes of another one.
    struct Fork {
        /// The id of the other run, or the beginning of it.
        var run: String
        var point: ForkPoint
        /// What stands in the new run's journal: `forked`, `retried`.
        var reason: String
        /// The input of the step at which the new run goes on; nil for the recorded one.
        var input: Value?
        /// The script whose code goes on; nil for that of the other run.
        var script: String?
    }

    /// Whether the run is one that the store has to have already.
    var needsStore: Bool { continuation != nil || fork != nil }

    /// What a run that waits is given.
    struct Continuation {
        enum Push {
            /// The answer of a person, at a step's path or at the only one that waits.
            case answer(step: String?, data: Value)
            case signal(event: String, data: Value)
        }

        var runID: String
        var push: Push
    }
}
