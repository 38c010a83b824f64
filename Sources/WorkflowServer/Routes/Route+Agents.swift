internal import FlatValue
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

/// Workflows that are one agent, in the words of AI Kit's clients.
extension Route {
    private static let body: Value = [
        "type": "object",
        "properties": [
            "prompt": true, "messages": true, "metadata": RouteSchema.object, "ctx": RouteSchema.object,
            "telemetry": RouteSchema.telemetry,
        ], "anyOf": [["required": ["prompt"]], ["required": ["messages"]]],
    ]

    static let agents: [Route] = [
        Route(.get, "/api/agents", "Lists the agents.", role: .read) { request, core in
            let all = await core.directory.catalog.workflows()
            let agents = all.filter { $0.plan.isAgent && request.context.principal.maySee($0.id) }
            return .json(["agents": Value(array: agents.map(AgentRendering.summary))])
        },
        Route(
            .post, "/api/agents/{id}/generate", "Asks an agent, and answers when it has or waits for somebody.",
            role: .run, query: [.wait, .redact], body: body, answers: [200, 202], errors: [404, 409, 500],
            isLenient: true
        ) { request, core in
            let (wait, redacts) = (try request.wait(), try request.flag("redact"))
            let id = try await ask(request, core)
            let (record, isSettled) = try await request.whileConnected(core.waits) {
                try await core.directory.settled(id, within: wait, following: true)
            }
            switch record.status {
            case .success where isSettled:
                return try record.telling {
                    let answer = AgentRendering.answer(record)
                    return .json(redacts ? record.redaction.redact(contentsOf: answer) : answer)
                }
            case .failed, .cancelled:
                let result = record.result()
                let error = (redacts ? result.redacted(by: record.redaction) : result).error
                throw APIError(
                    .internalServerError, error?["code"]?.string ?? "agent_failed",
                    error?["message"]?.string ?? "the agent was stopped", details: ["runId": Value(id)])
            default: return try .run(record, redacts: redacts, status: .accepted)
            }
        },
        Route(
            .post, "/api/agents/{id}/stream", "Asks an agent, and streams the events of its run.", role: .run,
            query: [.redact], body: body, type: "text/event-stream", errors: [404, 409], isLenient: true
        ) { request, core in
            let redacts = try request.flag("redact")
            return try await EventStream.run(
                try await ask(request, core), request, core, follow: false, redacts: redacts)
        },
    ]

    /// Starts the run of an agent; its id.
    private static func ask(_ request: APIRequest, _ core: ServerCore) async throws -> String {
        let id = try request.parameter("id")
        guard let workflow = await core.directory.catalog.workflows().first(where: { $0.id == id }),
            workflow.plan.isAgent, request.context.principal.maySee(id)
        else { throw APIError(.notFound, "unknown_agent", "Agent \(id) not found") }
        let body = try await request.object()
        let input = ["prompt", "messages"].compactMap { key in body.field(key).map { (key, $0) } }
        guard !input.isEmpty else {
            throw APIError.badRequest("Agent request payload must include either prompt or messages")
        }
        var start = try StartRequest(
            workflow: id, input: Value(entries: input), metadata: body.nested("metadata"), ctx: body.nested("ctx"))
        start.trace = try trace(request, body)
        return try await core.directory.start(start).id
    }
}

extension Plan {
    /// Whether the workflow is nothing but an agent.
    fileprivate var isAgent: Bool {
        guard let body = bodies(of: 0).first, body.members.count == 1 else { return false }
        return details[Int(body.members[0])].role == .agent
    }
}
