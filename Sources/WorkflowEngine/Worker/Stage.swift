internal import WorkflowCore

/// Which of a node's callbacks runs.
enum Stage: UInt8 {
    case handler, next, resolve, condition, prepare, collect, items, output, form, duration, finalize, conclude
    case compensate, completion

    /// Whether it does the work of the script: it may take as long as a step, is tried again, and records what it did once.
    var isWork: Bool { self == .handler || self == .compensate || self == .completion }

    /// The name of the callback in a script.
    func name(of kind: NodeKind) -> String {
        switch self {
        case .handler: "handler"
        case .next: "next"
        case .resolve: "resolve"
        case .condition: "condition"
        case .prepare: "prepare_next_input"
        case .collect: "collect"
        case .items: "items"
        case .output: "output"
        case .form: "input"
        case .duration: "duration"
        case .finalize: "finalize"
        case .conclude: kind == .parallel ? "aggregate" : "collect"
        case .compensate: "compensate"
        case .completion: "completion handler"
        }
    }
}
