extension NodeKind {
    /// The word for it in definitions, events and messages.
    package var name: String {
        switch self {
        case .workflow: "workflow"
        case .step: "step"
        case .branch: "branch"
        case .loop: "loop"
        case .foreach: "foreach"
        case .parallel: "parallel"
        case .human: "human"
        case .delay: "delay"
        case .waitFor: "wait_for"
        }
    }

    static let all: [NodeKind] = [.workflow, .step, .branch, .loop, .foreach, .parallel, .human, .delay, .waitFor]

    init?(name: String) {
        guard let kind = Self.all.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// The keys that a script may give to a node of this kind.
    var keys: [String] {
        let own: [String] =
            switch self {
            case .workflow: []
            case .step: ["input_schema", "output_schema", "handler", "next", "retry", "timeout", "compensate"]
            case .branch: ["resolve", "cases", "otherwise"]
            case .loop: ["step", "condition", "max_iterations", "prepare_next_input", "collect"]
            case .foreach: ["items", "step", "concurrency", "collect", "on_error"]
            case .parallel: ["branches", "aggregate", "on_error"]
            case .human: ["output", "input", "response_schema", "timeout", "default"]
            case .delay: ["duration"]
            case .waitFor: ["event", "timeout", "response_schema"]
            }
        return ["id", "description"] + own + (self == .workflow ? [] : ["permissions", "telemetry"])
    }

    /// The keys that a script may give to a workflow.
    static let workflowKeys = [
        "id", "description", "input_schema", "output_schema", "metadata", "ctx", "finalize", "permissions", "telemetry",
        "schedules", "hooks", "concurrency", "rate_limit", "priority", "singleton", "debounce", "tags", "on_success",
        "on_failure", "on_cancel",
    ]

    /// The keys that the script's side adds.
    var hiddenKeys: [String] {
        self == .workflow
            ? ["kind", "where", "workflow"] : ["kind", "where", "list", "code", "role", "budget", "secrets"]
    }
}
