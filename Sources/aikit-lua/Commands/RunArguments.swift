internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// What a command line asks of `run`, word for word; nothing of it has been checked.
struct RunArguments: Equatable {
    var script = ""
    var workflow: String?
    var input: String?
    var metadata: String?
    var ctx: String?
    var telemetry: String?
    var runID: String?
    var priority: String?
    var tags: [String] = []
    var store: String?
    var durability: String?
    var recovers = false
    var isolation = IsolationChoice.inProcess
    var stay = StayRequest()

    /// Carries the request out; the exit status says what became of it.
    func carryOut() throws(UsageError) -> ExitStatus { RunSession(try plan()).run() }

    /// Reads the values and checks them.
    func plan() throws(UsageError) -> RunPlan {
        var plan = RunPlan(script: script)
        plan.workflow = workflow
        if let input {
            plan.input = try JSONArgument.read(input, option: "--input")
            plan.isInputGiven = true
        }
        if let metadata { plan.metadata = try JSONArgument.readObject(metadata, option: "--metadata") }
        if let ctx { plan.ctx = try JSONArgument.readObject(ctx, option: "--ctx") }
        if let telemetry {
            switch TelemetryFields.read(ofRun: try JSONArgument.read(telemetry, option: "--telemetry")) {
            case .success(let settings): plan.telemetry = settings
            case .failure(let fault): throw UsageError("--telemetry \(fault.message)")
            }
        }
        if let runID {
            if let problem = RunIdentifier.problem(of: runID) { throw UsageError("--run-id \(problem)") }
            plan.runID = runID
        }
        try chooseStore(&plan)
        try stay.apply(to: &plan)
        if let priority {
            guard let number = Int64(priority), FlowControl.priorities.contains(number) else {
                throw UsageError("--priority takes a whole number from -1000000 to 1000000, got '\(priority)'")
            }
            if plan.store == .memory { throw UsageError("--priority needs a store other than memory, where runs wait") }
            plan.priority = number
        }
        plan.tags = try TagArgument.tags(tags)
        plan.recovers = recovers
        plan.isolation = isolation
        if recovers, plan.store == .memory { throw UsageError("--recover needs a store other than memory") }
        return plan
    }

    private func chooseStore(_ plan: inout RunPlan) throws(UsageError) {
        plan.store = try StoreLocation(store, beside: script)
        guard let durability else { return }
        if let options = try DurabilityChoice(argument: durability).options {
            if plan.store == .memory { throw UsageError("--durability \(durability) needs a store other than memory") }
            plan.durability = options
        } else {
            if store != nil, plan.store != .memory {
                throw UsageError("--durability memory keeps nothing in a store; leave --store out")
            }
            plan.store = .memory
        }
    }
}

extension RunPlan {
    /// How many threads run steps, as `--workers` says.
    static func workers(_ wanted: Int?) throws(UsageError) -> Int {
        // Beyond a few, threads of a single run only cost time to start.
        guard let wanted else { return max(1, min(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 8)) }
        guard (1...256).contains(wanted) else {
            throw UsageError("--workers takes a number from 1 to 256, got \(wanted)")
        }
        return wanted
    }
}
