internal import FlatValue
internal import HostEffects
internal import SQLiteJournal
internal import WorkflowCore
internal import WorkflowTelemetry

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
    /// Whether the input was named, so that a run of the same id has to have the same one.
    var isInputGiven = false
    var metadata: Value?
    var ctx: Value?
    var runID: String?
    /// In place of the workflow's own, where its limits let runs wait.
    var priority: Int64?
    /// What the run is found by besides what its workflow says.
    var tags = RunTags.none
    /// Print events as JSON instead of the output alone.
    var printsEvents = false
    var store = StoreLocation.memory
    /// What a commit to the store survives.
    var durability = SQLiteJournalOptions.Durability.full
    /// Microseconds that the process stays with the run; nil for as long as it takes.
    var timeout: Int64?
    /// Whether the run is cancelled when that is over, in place of being let go.
    var cancelsOnTimeout = false
    /// How far away, in microseconds, a time may be that the process stays for; nil for any.
    var patience: Int64?
    /// Whether the process stays for nothing that it does not do itself.
    var detaches = false
    /// Whether other unfinished runs of the workflow are gone on with beside this one.
    var recovers = false
    var workers = 1
    var permissions = Permissions()
    /// Where secrets come from, and what was read there.
    var secretSettings = SecretSettings()
    var secrets = Secrets()
    /// How Lua is kept apart from this process; nil for not at all.
    var isolation = IsolationChoice.inProcess
    /// Where the spans of the run are sent; nil for nowhere.
    var export: ExportSettings?
    /// What a new run says of its trace.
    var telemetry: Value?
    /// What is shown of what scripts log.
    var log = LogSettings()

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
