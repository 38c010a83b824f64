internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

extension Route {
    private static let body: Value = [
        "type": "object", "properties": ["prompt": true, "messages": true],
    ]

    static let agents: [Route] = [
        Route(.get, "/api/agents", "Lists the agents.", role: .read) { _, _ in .json(["agents": []]) },
        Route(
            .post, "/api/agents/{id}/generate", "Asks an agent.", role: .run, body: body, answers: [], errors: [404],
            isLenient: true
        ) { request, _ in throw try noAgent(request.parameter("id")) },
        Route(
            .post, "/api/agents/{id}/stream", "Asks an agent, and streams its answer.", role: .run, body: body,
            answers: [], errors: [404], isLenient: true
        ) { request, _ in throw try noAgent(request.parameter("id")) },
    ]

    private static func noAgent(_ id: String) -> APIError {
        APIError(.notFound, "unknown_agent", "Agent \(id) not found")
    }
}
