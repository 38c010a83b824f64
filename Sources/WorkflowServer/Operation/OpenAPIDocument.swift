internal import HTTPTypes
internal import WorkflowCore
internal import WorkflowEngine

/// The OpenAPI 3.1 description, made of the routes and of the workflows' own schemas.
enum OpenAPIDocument {
    static func value(_ core: ServerCore) async -> Value {
        let workflows = await core.directory.catalog.workflows()
        var paths: [(String, [(String, Value)])] = []
        func add(_ path: String, _ method: String, _ operation: Value) {
            if let index = paths.firstIndex(where: { $0.0 == path }) {
                paths[index].1.append((method, operation))
            } else {
                paths.append((path, [(method, operation)]))
            }
        }
        for route in Route.all {
            let path = route.path.hasSuffix("/**") ? route.path.dropLast(2) + "{path}" : route.path[...]
            add(String(path), route.method.rawValue.lowercased(), operation(route, core))
        }
        for workflow in workflows {
            add("/api/workflows/\(workflow.id.percentEscaped)/run", "post", run(workflow, core))
        }
        var document: [(String, Value)] = [
            ("openapi", "3.1.0"),
            ("info", ["title": "aikit-lua", "version": Value(engineVersion)]),
            ("paths", Value(entries: paths.map { ($0.0, Value(entries: $0.1)) })),
            ("components", components),
        ]
        if !core.options.basePath.isEmpty { document.append(("servers", [["url": Value(core.options.basePath)]])) }
        return Value(entries: document)
    }

    private static let components: Value = [
        "schemas": [
            "Error": [
                "type": "object", "required": ["error", "code"],
                "properties": ["error": ["type": "string"], "code": ["type": "string"], "details": true],
            ],
            "Run": [
                "type": "object", "required": ["runId", "status"],
                "properties": [
                    "runId": ["type": "string"], "workflowId": ["type": "string"],
                    "status": [
                        "enum": ["queued", "running", "waiting", "waiting_human", "success", "failed", "cancelled"]
                    ], "result": true, "error": true, "steps": ["type": "object"],
                    "startedAt": ["type": "string", "format": "date-time"],
                    "finishedAt": ["type": "string", "format": "date-time"],
                ],
            ],
        ],
        "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
    ]

    private static func operation(_ route: Route, _ core: ServerCore) -> Value {
        var parameters: [Value] = names(in: route.path).map {
            ["name": Value($0), "in": "path", "required": true, "schema": ["type": "string", "minLength": 1]]
        }
        for parameter in route.query {
            parameters.append([
                "name": Value(parameter.name), "in": "query", "required": false, "description": Value(parameter.text),
                "schema": parameter.schema,
            ])
        }
        var entries: [(String, Value)] = [("summary", Value(route.summary)), ("responses", responses(route, core))]
        if !parameters.isEmpty { entries.append(("parameters", Value(array: parameters))) }
        if let body = route.body {
            entries.append(("requestBody", requestBody(body, isOptional: route.isBodyOptional)))
        }
        if route.role != nil, core.access != nil { entries.append(("security", [["token": []]])) }
        return Value(entries: entries)
    }

    private static func requestBody(_ schema: Value, isOptional: Bool) -> Value {
        ["required": Value(!isOptional), "content": ["application/json": ["schema": schema]]]
    }

    private static func responses(_ route: Route, _ core: ServerCore) -> Value {
        var entries: [(String, Value)] = route.answers.map { status in
            if status == 204 { return ("204", ["description": "Done"]) }
            let text: Value = ["schema": ["type": "string"]]
            let any: Value = ["schema": true]
            var types: [(String, Value)] = [(route.type, route.type == "application/json" ? any : text)]
            if route.path.hasSuffix("/graph") || route.path.hasSuffix("{id}/events") {
                for name in ["image/svg+xml", "text/plain", "text/vnd.graphviz", "text/event-stream"] {
                    types.append((name, text))
                }
            }
            return ("\(status)", ["description": "The answer", "content": Value(entries: types)])
        }
        var errors = Set(route.errors + [400, 503])
        if route.body != nil { errors.formUnion([413, 415]) }
        if route.role != nil, core.access != nil { errors.formUnion([401, 403, 429]) }
        for status in errors.subtracting(route.answers).sorted() { entries.append(("\(status)", error)) }
        return Value(entries: entries)
    }

    private static let error: Value = [
        "description": "Why there is no answer",
        "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]],
    ]

    /// Running one workflow, with its own schemas.
    private static func run(_ workflow: Workflow, _ core: ServerCore) -> Value {
        let input = WorkflowRendering.schema(workflow.plan.nodes[0].inputSchema, workflow.plan) ?? true
        let schema: Value = [
            "type": "object", "required": ["inputData"],
            "properties": [
                "inputData": input, "metadata": ["type": ["object", "null"]], "ctx": ["type": ["object", "null"]],
            ],
        ]
        let run: Value = ["schema": ["$ref": "#/components/schemas/Run"]]
        var responses: [(String, Value)] = [
            ("200", ["description": "The run, which is over or waits", "content": ["application/json": run]]),
            ("202", ["description": "The run, which goes on", "content": ["application/json": run]]),
        ]
        var errors = [400, 404, 413, 415, 503]
        if core.access != nil { errors += [401, 403, 429] }
        for status in errors.sorted() { responses.append(("\(status)", error)) }
        return [
            "summary": Value(workflow.description ?? "Runs \(workflow.id)."),
            "requestBody": requestBody(schema, isOptional: false), "responses": Value(entries: responses),
        ]
    }

    /// The names between braces, and `path` for the rest.
    private static func names(in path: String) -> [String] {
        path.split(separator: "/").compactMap { part in
            if part == "**" { return "path" }
            guard part.hasPrefix("{") else { return nil }
            return String(part.dropFirst().dropLast())
        }
    }
}
