internal import FlatValue
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

extension Route {
    static let sources: [Route] = [
        Route(
            .get, "/api/workflows/{id}/source", "The code of a workflow: its script, then the modules it requires.",
            role: .read, errors: [404]
        ) { request, core in
            let workflow = try await core.workflow(request.parameter("id"), request)
            return try await source(of: workflow.generation.id, core)
        },
        Route(
            .get, "/api/runs/{id}/source", "The code that a run goes by: its script, then the modules it requires.",
            role: .read, errors: [404]
        ) { request, core in
            let header = try await core.header(request.parameter("id"), request)
            return try await source(of: header.generation, core)
        },
    ]

    private static func source(of hash: String, _ core: ServerCore) async throws -> Response {
        guard !hash.isEmpty, let generation = try await core.directory.store.generation(hash) else {
            throw APIError(.notFound, "no_source", "The store has no code of it")
        }
        let files = generation.files.map {
            ["name": Value($0.name), "text": Value(String(decoding: $0.content, as: UTF8.self))] as Value
        }
        return .json(["generation": Value(hash), "files": Value(array: files)])
    }
}
