internal import ArgumentParser
internal import FlatValue
internal import Platform
internal import WorkflowCore

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve workflows by HTTP.",
        discussion: """
            Loads every script at and below the paths, loads again what is saved, and keeps their runs going: those that
            clients start, and those of the store that nobody drives. A script that does not load keeps the others running.

            Settings also come from aikit.json in the first folder, and from variables such as AIKIT_PORT, which go before
            the file; options go before both. SIGTERM, SIGINT and SIGHUP end the server once running steps have ended.

            EXAMPLES
              aikit-lua serve workflows --port 8080
              aikit-lua token create --name ci --role run --store workflows/.aikit/runs.db
              curl http://127.0.0.1:8787/api/workflows
              curl --json '{"inputData":{"name":"Ada"}}' http://127.0.0.1:8787/api/workflows/hello/run
            """)

    @Argument(
        help: "Scripts and folders; the current folder unless given.", completion: .file(extensions: ["lua"]),
        transform: namedPath)
    var paths: [String] = []

    @Option(help: ArgumentHelp("The address to listen at; 127.0.0.1 unless given.", valueName: "address"))
    var host: String?

    @Option(help: ArgumentHelp("The port; 8787 unless given, and 0 for any free one.", valueName: "n"))
    var port: Int?

    @Option(help: ArgumentHelp("The path below which all routes lie.", valueName: "path"))
    var basePath: String?

    @Option(
        help: ArgumentHelp(
            "Where the runs are kept: a file, the address of a database, or memory; \(StoreLocation.usual) in the first "
                + "folder unless given.",
            valueName: "path|memory"), transform: namedPath)
    var store: String?

    @Option(help: ArgumentHelp("How many threads run steps; one a core unless given.", valueName: "n"))
    var workers: Int?

    @Flag(help: "Do not load scripts again when they change.")
    var noWatch = false

    @Flag(help: "Do not serve the dashboard.")
    var noDashboard = false

    @Option(help: ArgumentHelp("Origins that browsers may ask from; * for any.", valueName: "origin,…"))
    var cors: [String] = []

    @Option(
        help: ArgumentHelp("The certificate of the server and those above it, PEM.", valueName: "file"),
        transform: namedPath)
    var tlsCert: String?

    @Option(help: ArgumentHelp("The key of the certificate, PEM.", valueName: "file"), transform: namedPath)
    var tlsKey: String?

    @Flag(help: "Listen at an address that others reach although nobody needs a token.")
    var insecure = false

    @Option(
        help: ArgumentHelp("How long steps may go on when the server ends; 30s unless given.", valueName: "duration"))
    var grace: String?

    @Option(help: ArgumentHelp("The largest body of a request; 10MiB unless given.", valueName: "size"))
    var maxBody: String?

    @Option(help: ArgumentHelp("How the log is written; text unless given.", valueName: "text|json"))
    var logFormat: String?

    @Option(
        help: ArgumentHelp("The variable with the secret of tokens signed by HS256, 384 or 512.", valueName: "name"))
    var jwtSecretEnv: String?

    @Option(
        help: ArgumentHelp(
            "The keys of tokens signed by RS, ES or EdDSA, a JWK set; one at an address is read again.",
            valueName: "file|url"))
    var jwks: String?

    @Option(help: ArgumentHelp("Whom such tokens have to be from.", valueName: "issuer"))
    var jwtIssuer: String?

    @Option(help: ArgumentHelp("Whom such tokens have to be for.", valueName: "audience"))
    var jwtAudience: String?

    @Option(help: ArgumentHelp("The claim with the role; role unless given.", valueName: "claim"))
    var jwtRoleClaim: String?

    @Option(help: ArgumentHelp("The claim with the name; name, else sub, unless given.", valueName: "claim"))
    var jwtNameClaim: String?

    @Option(
        help: ArgumentHelp(
            "What a token without a role may do; read unless given, and none refuses it.",
            valueName: "read|run|admin|none"))
    var jwtDefaultRole: String?

    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var telemetry: TelemetryOptions

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        let session = ServeSession(try ServeSettings.of(paths, flags: flags, isolation: .shared))
        session.phase.listen()
        let result: Result<Void, any Error> = waitFor {
            do {
                return .success(try await session.run())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private var flags: [String: Value] {
        var flags: [String: Value] = [:]
        func take(_ name: String, _ text: String?) { if let text { flags[name] = Value(text) } }
        func take(_ name: String, _ list: [String]) {
            if !list.isEmpty { flags[name] = Value(array: list.map { Value($0) }) }
        }
        take("host", host)
        take("port", port.map(String.init))
        take("basePath", basePath)
        take("store", store)
        take("workers", workers.map(String.init))
        if noWatch { flags["watch"] = false }
        if noDashboard { flags["dashboard"] = false }
        take("cors", cors.flatMap { $0.split(separator: ",").map(String.init) })
        take("tlsCert", tlsCert)
        take("tlsKey", tlsKey)
        if insecure { flags["insecure"] = true }
        take("grace", grace)
        take("maxBody", maxBody)
        take("logFormat", logFormat)
        take("jwtSecretEnv", jwtSecretEnv)
        take("jwks", jwks)
        take("jwtIssuer", jwtIssuer)
        take("jwtAudience", jwtAudience)
        take("jwtRoleClaim", jwtRoleClaim)
        take("jwtNameClaim", jwtNameClaim)
        take("isolate", isolation.choice?.rawValue)
        take("jwtDefaultRole", jwtDefaultRole)
        take("otlp", telemetry.otlp)
        return flags.merging(permissions.settings) { $1 }
    }
}
