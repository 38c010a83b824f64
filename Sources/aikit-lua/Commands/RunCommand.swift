internal import ArgumentParser

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a workflow and print its output as JSON.",
        discussion: """
            Progress is shown on standard error. On a terminal a step that waits for a person asks its form right there;
            elsewhere the command ends with status 3 and says how to answer.

            The run is kept in \(StoreLocation.usual) beside the script, step by step, so that it can go on after a crash and
            be looked at later. A --run-id that is there already gives that run, never a second one; with another input or
            another workflow it is refused with status 2.

            Ctrl-C, SIGTERM and the end of the terminal let the run go, and the command says how it goes on; a second Ctrl-C
            cancels it. A run that waits for a time further away than --wait is let go too, with status 3. In memory a stop
            cancels the run.

            EXAMPLES
              aikit-lua run hello.lua --input '{"name":"Ada"}'
              aikit-lua run weather.lua --input @city.json --allow-net=api.example.com
              aikit-lua run orders.lua --run-id order-7 --durability normal
              aikit-lua run report.lua --run-id night-1 --timeout 10m
              aikit-lua run stranger.lua --isolate=strict --store memory
              jq '{items: .}' orders.json | aikit-lua run orders.lua --input - --events
            """)

    @Argument(
        help: "The script: a .lua file that returns a workflow.", completion: .file(extensions: ["lua"]),
        transform: namedPath)
    var script: String

    @Option(help: ArgumentHelp("The workflow to run, where the script has several.", valueName: "id"))
    var workflow: String?

    @Option(help: ArgumentHelp("The workflow's input.", valueName: "json|@file|-"))
    var input: String?

    @Option(help: ArgumentHelp("Metadata in place of the workflow's, an object.", valueName: "json|@file"))
    var metadata: String?

    @Option(help: ArgumentHelp("Merged over the workflow's ctx, an object.", valueName: "json|@file"))
    var ctx: String?

    @Option(
        help: ArgumentHelp(
            "How the run is traced: a boolean, or an object such as {\"tags\":[\"ci\"]}.", valueName: "json|@file"))
    var telemetry: String?

    @Option(name: .customLong("run-id"), help: ArgumentHelp("The run's id; one is made unless given.", valueName: "id"))
    var runID: String?

    @Option(
        help: ArgumentHelp(
            "Before runs with a lower one, where the workflow's limits let runs wait.", valueName: "number"))
    var priority: String?

    @Option(
        name: .customLong("tag"), parsing: .singleValue,
        help: ArgumentHelp(
            "What the run is found by: a text, or a number, true or false where it reads as one. May be given again.",
            valueName: "name=value"))
    var tags: [String] = []

    @OptionGroup var store: StoreOptions

    @Flag(help: "Go on with other unfinished runs of the workflow beside this one.")
    var recover = false

    @OptionGroup var options: RunOptions
    @OptionGroup var isolation: IsolationOptions

    /// The request in the parser's words.
    var request: RunArguments {
        RunArguments(
            script: script, workflow: workflow, input: input, metadata: metadata, ctx: ctx, telemetry: telemetry,
            runID: runID, priority: priority, tags: tags,
            store: store.store, durability: store.durability, recovers: recover, isolation: isolation.isolation,
            stay: options.request)
    }

    func run() throws {
        let status = try request.carryOut()
        if status != .success { throw status.code }
    }
}
