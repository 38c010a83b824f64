internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

extension Route {
    static let operation: [Route] = [
        Route(.get, "/health/live", "Whether the process lives.", role: nil) { _, _ in .json(["status": "ok"]) },
        Route(.get, "/health/ready", "Whether the server can work, and why not.", role: nil, answers: [200, 503]) {
            _, core in
            var problems: [Value] = []
            if core.isDraining { problems.append("the server is stopping") }
            do throws(JournalError) {
                _ = try await core.directory.store.changeCount()
            } catch {
                problems.append(Value("the store: \(error.message)"))
            }
            if problems.isEmpty, let trouble = core.storeTrouble.current {
                problems.append(Value("the store: \(trouble)"))
            }
            if problems.isEmpty { return .json(["status": "ok"]) }
            return .json(["status": "unavailable", "problems": Value(array: problems)], status: .serviceUnavailable)
        },
        Route(.get, "/metrics", "Figures for Prometheus.", role: .read, type: "text/plain") { _, core in
            .text(
                await core.metrics.text(core.directory),
                type: "text/plain; version=0.0.4; charset=utf-8")
        },
        Route(.get, "/openapi.json", "This description.", role: .read) { _, core in
            .json(await OpenAPIDocument.value(core))
        },
        Route(.get, "/api/nodes", "The processes that drive runs of the store, and what they carry.", role: .read) {
            _, core in
            .json(["nodes": Value(array: try await core.directory.store.nodes().map(node))])
        },
        Route(.get, "/api/version", "The version of the server, and who asks it.", role: .read) { request, _ in
            .json([
                "name": "aikit-lua", "version": Value(engineVersion), "principal": request.context.principal.value,
            ])
        },
    ]

    private static func node(_ node: StoreNode) -> Value {
        let runs = node.runs.sorted { $0.key.rawValue < $1.key.rawValue }
        return [
            "id": Value(node.owner.number), "name": Value(node.owner.name), "isAlive": Value(node.isAlive),
            "isSelf": Value(node.owner.isSelf), "leaseUntil": Value(node.owner.leaseUntil / 1000),
            "runs": Value(entries: runs.map { ($0.key.rawValue, Value(Int64($0.value))) }),
        ]
    }
}
