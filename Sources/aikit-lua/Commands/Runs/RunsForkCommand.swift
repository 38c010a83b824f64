internal import ArgumentParser
internal import WorkflowCore
internal import WorkflowEngine

struct RunsForkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fork",
        abstract: "Start a new run that takes the recorded results of another one up to a step.",
        discussion: """
            The new run takes everything that was recorded before the first start of the step: results, metadata, ctx and
            store; then it goes on by itself. The other run stays as it is. With --script the new run goes on with other code;
            what it takes over has to fit that code. Result and exit status are those of run.

            EXAMPLES
              aikit-lua runs fork order-7 --from charge
              aikit-lua runs fork order-7 --script edited.lua
              aikit-lua runs fork order-7 --from 'items[3]/price' --script edited.lua
              aikit-lua runs fork order-7 --from charge --input '{"amount":1}' --run-id order-7-b
            """)

    @OptionGroup var target: RunChoice

    @Option(
        help: ArgumentHelp(
            "The path of the first step that runs again, such as items[3]/price; with --script the first one that has changed.",
            valueName: "path"))
    var from: String?

    @Option(help: ArgumentHelp("The input of that step in place of the recorded one.", valueName: "json|@file|-"))
    var input: String?

    @OptionGroup var options: ForkOptions

    func validate() throws {
        if from == nil, options.script == nil {
            throw ValidationError("name the first step that runs again with --from")
        }
    }

    func run() throws {
        let input = try input.map { text throws(UsageError) in try JSONArgument.read(text, option: "--input") }
        let fork = RunPlan.Fork(
            run: target.run, point: from.map { .before($0) } ?? .change, reason: "forked", input: input,
            script: options.script)
        try options.carryOut(fork)
    }
}

struct RunsRetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Do again what made a run fail, and go on from there.",
        discussion: """
            A run that is over never changes, so the retry is a new run: it takes all that was recorded up to the failure,
            runs the failed step anew with all its attempts, and goes on. A cancelled run goes on where it was stopped.
            The id of the new run is on standard error, result and exit status are those of run.

            EXAMPLES
              aikit-lua runs retry order-7
              aikit-lua runs retry order-7 --script fixed.lua --run-id order-7-again
            """)

    @OptionGroup var target: RunChoice
    @OptionGroup var options: ForkOptions

    func run() throws {
        let fork = RunPlan.Fork(run: target.run, point: .failure, reason: "retried", input: nil, script: options.script)
        try options.carryOut(fork)
    }
}

/// What the commands share that start a run from another one.
struct ForkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Go on with the code of this script.", valueName: "file"),
        completion: .file(extensions: ["lua"]))
    var script: String?

    @Option(
        name: .customLong("run-id"), help: ArgumentHelp("The new run's id; one is made unless given.", valueName: "id"))
    var runID: String?

    @OptionGroup var store: StoreChoice

    @OptionGroup var options: RunOptions
    @OptionGroup var isolation: IsolationOptions

    /// Starts the new run and follows it until it is over, waits or is let go.
    func carryOut(_ fork: RunPlan.Fork) throws {
        let request = RunArguments(
            runID: runID, store: try store.path, isolation: isolation.isolation, stay: options.request)
        var plan = try request.plan()
        plan.fork = fork
        let status = RunSession(plan).run()
        if status != .success { throw status.code }
    }
}
