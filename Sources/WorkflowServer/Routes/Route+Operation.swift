internal import FlatValue
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
            if let trouble = await core.health.trouble() { problems.append(Value("the store: \(trouble)")) }
            if problems.isEmpty { return .json(["status": "ok"]) }
            var response = Response.json(
                ["status": "unavailable", "problems": Value(array: problems)], status: .serviceUnavailable)
            response.headers[.retryAfter] = "1"
            return response
        },
        Route(.get, "/metrics", "Figures for Prometheus.", role: .read, type: "text/plain") { request, core in
            .long(
                await core.metrics.text(core.directory, for: request.context.principal),
                type: "text/plain; version=0.0.4; charset=utf-8", to: request.request)
        },
        Route(.get, "/openapi.json", "This description.", role: .read) { request, core in
            .long(await OpenAPIDocument.value(core, for: request.context.principal), to: request.request)
        },
        Route(.get, "/api/nodes", "The processes that drive runs of the store, and what they carry.", role: .read) {
            request, core in
            let isLimited = request.context.principal.isLimited
            let nodes = try await core.directory.store.nodes().map { node($0, withRuns: !isLimited) }
            return .json(["nodes": Value(array: nodes)])
        },
        Route(.get, "/api/version", "The version of the server, and who asks it.", role: .read) { request, _ in
            .json([
                "name": "aikit-lua", "version": Value(engineVersion), "principal": request.context.principal.value,
                "session": Value(request.context.isSession),
            ])
        },
    ]

    /// - Parameter withRuns: whether it says how many runs the process carries, of whatever workflows.
    private static func node(_ node: StoreNode, withRuns: Bool) -> Value {
        var entries: [(String, Value)] = [
            ("id", Value(node.owner.number)), ("name", Value(node.owner.name)), ("isAlive", Value(node.isAlive)),
            ("isSelf", Value(node.owner.isSelf)), ("leaseUntil", Value(node.owner.leaseUntil / 1000)),
        ]
        if withRuns {
            let runs = node.runs.sorted { $0.key.rawValue < $1.key.rawValue }
            entries.append(("runs", Value(entries: runs.map { ($0.key.rawValue, Value(Int64($0.value))) })))
        }
        return Value(entries: entries)
    }
}
