internal import HostEffects
internal import WorkflowCore

/// All that is to be known before a run begins; made of the command line, and checked.
struct RunPlan {
    var script: String
    /// The id of the workflow; nil takes the only one.
    var workflow: String?
    var input: Value = .emptyObject
    var metadata: Value?
    var ctx: Value?
    var runID: String?
    /// Print events as JSON instead of the output alone.
    var printsEvents = false
    var store = StoreLocation.memory
    /// Microseconds that the run may take; nil for as long as it likes.
    var timeout: Int64?
    var workers = 1
    var permissions = Permissions()
}

/// Where runs are kept.
enum StoreLocation: Equatable {
    case memory
    case file(String)

    /// Reads the value of `--store`. Until runs are kept in files, every place is the memory.
    init(_ argument: String?, besideScript script: String) { self = .memory }

    /// The value of `--store` that leads here.
    var argument: String {
        switch self {
        case .memory: "memory"
        case .file(let path): path
        }
    }
}
