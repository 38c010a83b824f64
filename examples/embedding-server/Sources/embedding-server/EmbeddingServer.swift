import Hummingbird
import LuaWorkflows
import SQLiteJournal
import WorkflowEngine
import WorkflowServer

/// An application of one's own: a route of its own, below `/flows` those of the service, and a store in a file, of which runs go on
/// with the code that they began with when the program is started again.
@main
struct EmbeddingServer {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
        let store = try SQLiteJournal(path: CommandLine.arguments.dropFirst(2).first ?? "runs.db")
        let engine = WorkflowEngine(store: store, host: OrderBook().operations)
        let scripts = LuaCatalog(on: engine)
        try await scripts.load(path: "order.lua")
        let directory = try RunDirectory(engine, catalog: scripts)

        var options = ServerOptions()
        options.basePath = "/flows"
        let server = try WorkflowServer(directory, options: options)

        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        router.get("/") { _, _ in "Orders are taken at /flows/api/workflows/order/run\n" }
        router.get("/waiting") { _, _ in
            try await directory.runs(RunQuery(workflow: "order", statuses: [.waitingHuman])).map(\.id).joined(
                separator: "\n")
        }
        server.addRoutes(to: router)
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)))

        let recovery = Task { await RecoveryService(directory).run() }
        try await application.runService()
        recovery.cancel()
        await engine.shutdown(closing: store, grace: .seconds(10))
    }
}
