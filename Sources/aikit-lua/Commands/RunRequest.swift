internal import HostEffects
internal import WorkflowCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What a command line asks of `run`, word for word; nothing of it has been checked.
struct RunRequest: Equatable {
    var script = ""
    var workflow: String?
    var input: String?
    var metadata: String?
    var ctx: String?
    var runID: String?
    var events = false
    var store: String?
    var durability: String?
    var timeout: String?
    var workers: Int?
    var net: [String] = []
    var env: [String] = []
    var read: [String] = []
    var write: [String] = []
    var run: [String] = []

    /// Carries the request out; the exit status says what became of it.
    func carryOut() throws(UsageError) -> ExitStatus { RunSession(try plan()).run() }

    /// Reads the values and checks them.
    func plan() throws(UsageError) -> RunPlan {
        var plan = RunPlan(script: script)
        plan.workflow = workflow
        if let input { plan.input = try JSONArgument.read(input, option: "--input") }
        if let metadata { plan.metadata = try JSONArgument.readObject(metadata, option: "--metadata") }
        if let ctx { plan.ctx = try JSONArgument.readObject(ctx, option: "--ctx") }
        if let runID {
            guard !runID.isEmpty, runID.utf8.count <= 200 else { throw UsageError("--run-id takes 1 to 200 bytes") }
            plan.runID = runID
        }
        plan.printsEvents = events
        try chooseStore(&plan)
        if let timeout {
            guard let duration = DurationText.microseconds(timeout), duration > 0 else {
                throw UsageError("--timeout takes a duration such as 500ms, 30s, 5m or 2h, got '\(timeout)'")
            }
            plan.timeout = duration
        }
        plan.workers = try workerCount()
        plan.permissions.net = Permissions.Scope(net)
        plan.permissions.env = Permissions.Scope(env)
        plan.permissions.read = Permissions.Scope(read)
        plan.permissions.write = Permissions.Scope(write)
        plan.permissions.run = Permissions.Scope(run)
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

    private func workerCount() throws(UsageError) -> Int {
        // Beyond a few, threads of a single run only cost time to start.
        guard let workers else { return max(1, min(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 8)) }
        guard (1...256).contains(workers) else {
            throw UsageError("--workers takes a number from 1 to 256, got \(workers)")
        }
        return workers
    }
}
