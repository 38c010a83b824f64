internal import Hummingbird
internal import Logging
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// What the routes share.
final class ServerCore: Sendable {
    let directory: RunDirectory
    let access: AccessControl?
    let options: ServerOptions
    let metrics = ServerMetrics()
    let health: StoreHealth
    let bodies: BodyBudget
    /// Of large answers that clients have not taken.
    let answers: BodyBudget
    let turns: BodyTurns
    let sessions = MCPSessions()
    let broadcast: EventBroadcast
    let results: ResultFrames
    let waits = OpenWaits()
    let room: ConnectionRoom
    private let draining = Atomic<Bool>(false)

    init(directory: RunDirectory, access: AccessControl?, options: ServerOptions, logger: Logger) {
        self.directory = directory
        broadcast = EventBroadcast(directory.events)
        results = ResultFrames(directory)
        health = StoreHealth(directory.store)
        bodies = BodyBudget(options.bodiesLimit)
        answers = BodyBudget(options.answersLimit)
        turns = BodyTurns(options.bodiesAtWork)
        room = ConnectionRoom(options.connectionLimit, logger: logger)
        self.access = access
        self.options = options
    }

    var isDraining: Bool { draining.load(ordering: .acquiring) }
    func drain() { draining.store(true, ordering: .releasing) }

    /// The workflow of an id, if there is one that the caller may see.
    func workflow(_ id: String, _ request: APIRequest) async throws -> Workflow {
        guard request.context.principal.maySee(id), let workflow = await directory.catalog.workflow(id) else {
            throw APIError.noWorkflow(id)
        }
        return workflow
    }

    /// The header of a run that the caller may see.
    func header(_ id: String, _ request: APIRequest) async throws -> RunHeader {
        guard let header = try await directory.store.header(of: id), request.context.principal.maySee(header.workflow)
        else {
            throw APIError(.notFound, "missing", "Run \(id) not found")
        }
        return header
    }
}
