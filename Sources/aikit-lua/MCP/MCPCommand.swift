internal import ArgumentParser
internal import FlatValue
internal import Platform
internal import WorkflowCore

struct MCPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Offer workflows to a client of the Model Context Protocol.",
        discussion: """
            Speaks with the client by standard input and output. Each workflow with a description at and below the paths is a
            tool; the guides and the reference are resources, so that a model can write scripts. Runs are kept in the store: a
            call that a person has to answer first gives the id of its run, unless the client asks its user.

            Settings also come from aikit.json in the first folder. What scripts print and log goes to standard error.
            The same is served by HTTP at /mcp of 'aikit-lua serve'.

            EXAMPLES
              aikit-lua mcp workflows --allow-net=api.example.com
              claude mcp add workflows -- aikit-lua mcp /srv/workflows
            """)

    @Argument(help: "Scripts and folders; the current folder unless given.", completion: .file(extensions: ["lua"]))
    var paths: [String] = []

    @Option(
        help: ArgumentHelp(
            "Where the runs are kept: a file, the address of a database, or memory; \(StoreLocation.usual) in the first "
                + "folder unless given.",
            valueName: "path|memory"))
    var store: String?

    @Option(help: ArgumentHelp("How many threads run steps; one a core unless given.", valueName: "n"))
    var workers: Int?

    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var telemetry: TelemetryOptions

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        var flags = permissions.settings
        if let store { flags["store"] = Value(store) }
        if let workers { flags["workers"] = Value(String(workers)) }
        if let isolation = isolation.choice { flags["isolate"] = Value(isolation.rawValue) }
        if let otlp = telemetry.otlp { flags["otlp"] = Value(otlp) }
        let host = MCPHost(try ServeSettings.of(paths, flags: flags, isolation: .inProcess))
        host.phase.listen()
        let result: Result<Void, any Error> = waitFor {
            do {
                return .success(try await host.run())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
