internal import ArgumentParser

/// What the commands share that go on with a run of the store.
struct ContinuationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The file in which the run is kept; the nearest \(StoreLocation.usual), here or above, unless given.",
            valueName: "path"), transform: namedPath)
    var store: String?

    @Option(help: ArgumentHelp("What a finished step survives, as for run.", valueName: "full|normal"))
    var durability: String?

    @Flag(help: "Print one JSON event a line on standard output, the result last; events of before are left out.")
    var events = false

    @Option(help: ArgumentHelp("Cancel the run after this time, such as 30s or 5m.", valueName: "duration"))
    var timeout: String?

    @Option(help: ArgumentHelp("How many threads run steps; one a core unless given.", valueName: "n"))
    var workers: Int?

    /// Moves a run on and follows it until it is over or waits again.
    func carryOut(
        _ push: RunPlan.Continuation.Push, runID: String, _ permissions: PermissionOptions
    ) throws {
        var request = RunRequest(
            events: events, store: try StoreLocation.existing(store), durability: durability, timeout: timeout,
            workers: workers)
        request.net = permissions.net
        request.env = permissions.env
        request.read = permissions.read
        request.write = permissions.write
        request.run = permissions.run
        var plan = try request.plan()
        plan.continuation = RunPlan.Continuation(runID: runID, push: push)
        let status = RunSession(plan).run()
        if status != .success { throw status.code }
    }
}
