internal import ArgumentParser

struct DevCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run a workflow, and run it again whenever its script is saved.",
        discussion: """
            The script and every module that it requires are watched. A save that loads becomes a new generation, of which
            the next run is made; runs under way stay on the generation that they began with. A save that does not load is
            told, and what was live stays live.

            After a save the results of the steps before the first one that changed are taken from the last run that ended or
            waits, and the new run goes on from there. --from names another place. Where nothing can be taken, the run begins
            at the start and says why. Functions reached by a global name count as unchanged; r runs all steps again.

            Without --input a --store gives the input of the last run of the workflow that failed.

            On a terminal: r runs again, i edits the input, c cancels, g shows the steps, q quits, ? helps.

            EXAMPLES
              aikit-lua dev hello.lua --input '{"name":"Ada"}'
              aikit-lua dev report.lua --from write
              aikit-lua dev approval.lua --ui
              aikit-lua dev weather.lua --input @city.json --allow-net=api.example.com
              aikit-lua dev orders.lua --workflow refund --store runs.db
            """)

    @Argument(
        help: "The script: a .lua file that returns a workflow.", completion: .file(extensions: ["lua"]),
        transform: namedPath)
    var script: String

    @Option(help: ArgumentHelp("The workflow to run, where the script has several.", valueName: "id"))
    var workflow: String?

    @Option(help: ArgumentHelp("The workflow's input.", valueName: "json|@file|-"))
    var input: String?

    @Option(
        help: ArgumentHelp(
            "The path of the first step that runs again after a save; otherwise the first one that changed.",
            valueName: "path"))
    var from: String?

    @Option(help: ArgumentHelp("Metadata in place of the workflow's, an object.", valueName: "json|@file"))
    var metadata: String?

    @Option(help: ArgumentHelp("Merged over the workflow's ctx, an object.", valueName: "json|@file"))
    var ctx: String?

    @Option(
        help: ArgumentHelp("Where the runs are kept: memory unless a file is given.", valueName: "path|memory"),
        transform: namedPath)
    var store: String?

    @Option(help: ArgumentHelp("How many threads run steps; one a core unless given.", valueName: "n"))
    var workers: Int?

    @Flag(help: "Also show the runs of the session on a dashboard, whose address is printed.")
    var ui = false

    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var telemetry: TelemetryOptions
    @OptionGroup var log: LogOptions

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        let request = RunArguments(
            script: script, workflow: workflow, input: input, metadata: metadata, ctx: ctx, store: store ?? "memory",
            isolation: isolation.isolation,
            stay: StayRequest(
                workers: workers, otlp: telemetry.otlp, permissions: permissions.permissions,
                secrets: permissions.secretSettings, log: log.settings))
        let status = try DevSession(
            request.plan(), from: from, asksStoreForInput: input == nil, servesDashboard: ui
        ).run()
        if status != .success { throw status.code }
    }
}
