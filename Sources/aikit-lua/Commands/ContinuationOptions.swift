internal import ArgumentParser
internal import FlatValue

/// What the commands share that go on with a run of the store.
struct ContinuationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the run is kept: a file, or the address of a database; the nearest \(StoreLocation.usual), here or above, "
                + "unless given.",
            valueName: "path"), transform: namedPath)
    var store: String?

    @Option(
        help: ArgumentHelp("What a finished step survives, as for run.", valueName: "full|normal"),
        completion: .list(["full", "normal"]))
    var durability: String?

    @OptionGroup var options: RunOptions
    @OptionGroup var isolation: IsolationOptions

    /// Moves a run on and follows it until it is over, waits again or is let go.
    func carryOut(_ push: RunPlan.Continuation.Push, runID: String) throws {
        let request = RunArguments(
            store: try StoreLocation.existing(store), durability: durability, isolation: isolation.isolation,
            stay: options.request)
        var plan = try request.plan()
        plan.continuation = RunPlan.Continuation(runID: runID, push: push)
        let status = RunSession(plan).run()
        if status != .success { throw status.code }
    }
}
