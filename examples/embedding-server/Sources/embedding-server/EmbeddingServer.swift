import Hummingbird
import LuaWorkflows
import MemoryJournal
import WorkflowEngine
import WorkflowServer

/// An application of one's own: a route of its own, and below `/flows` those of the service, for the workflows of order.lua.
@main
struct EmbeddingServer {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
        let engine = WorkflowEngine.inMemory()
        let script = try await LuaScript.load(path: "order.lua", on: engine)

        var options = ServerOptions()
        options.basePath = "/flows"
        let server = try WorkflowServer(engine: engine, workflows: script.workflows, options: options)

        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        router.get("/") { _, _ in "Orders are taken at /flows/api/workflows/order/run\n" }
        server.addRoutes(to: router)
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)))

        try await application.runService()
        await engine.shutdown(grace: .seconds(10))
    }
}
