internal import FlatValue
internal import HTTPTypes
internal import WorkflowCore
internal import WorkflowEngine

/// The OpenAPI 3.1 description, made of the routes and of the workflows' own schemas.
enum OpenAPIDocument {
    /// - Parameter principal: whose workflows are described.
    static func value(_ core: ServerCore, for principal: Principal) async -> Value {
        let workflows = await core.directory.catalog.workflows().filter { principal.maySee($0.id) }
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
            let path = "/api/workflows/\(workflow.id.percentEscaped)/"
            for name in ["run", "stream", "runs"] {
                guard let route = Route.all.first(where: { $0.path == "/api/workflows/{id}/" + name }) else { continue }
                add(path + name, "post", operation(route, core, of: workflow))
            }
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

    /// - Parameter workflow: the workflow that the path of the operation names, whose input is described then.
    private static func operation(_ route: Route, _ core: ServerCore, of workflow: Workflow? = nil) -> Value {
        var parameters: [Value] = (workflow == nil ? names(in: route.path) : []).map {
            ["name": Value($0), "in": "path", "required": true, "schema": ["type": "string", "minLength": 1]]
        }
        for parameter in route.query {
            parameters.append([
                "name": Value(parameter.name), "in": "query", "required": false, "description": Value(parameter.text),
                "schema": parameter.schema,
            ])
        }
        for header in route.headers {
            parameters.append([
                "name": Value(header.name), "in": "header", "required": true, "description": Value(header.text),
                "schema": ["type": "string", "minLength": 1],
            ])
        }
        if route.hasKey {
            parameters.append([
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "Requests with one key count once.", "schema": ["type": "string", "minLength": 1],
            ])
        }
        var entries: [(String, Value)] = [
            ("summary", Value(workflow?.description ?? route.summary)), ("responses", responses(route, core)),
        ]
        if !parameters.isEmpty { entries.append(("parameters", Value(array: parameters))) }
        if let body = workflow.map({ Self.body(route, of: $0) }) ?? route.body {
            var schema = (body.entries ?? []).map { ($0.key, $0.value) }
            if !route.isLenient { schema.append(("additionalProperties", false)) }
            entries.append(("requestBody", requestBody(Value(entries: schema), isOptional: route.isBodyOptional)))
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
            var types: [(String, Value)]
            switch route.type {
            case "application/json": types = [(route.type, any)]
            case "text/event-stream": types = [(route.type, [:])]
            default: types = [(route.type, text)]
            }
            if route.path.hasSuffix("/graph") {
                for name in ["image/svg+xml", "text/plain", "text/vnd.graphviz"] { types.append((name, text)) }
            }
            if route.path.hasSuffix("{id}/events") { types.append(("text/event-stream", [:])) }
            return ("\(status)", ["description": "The answer", "content": Value(entries: types)])
        }
        var errors = Set(route.errors + [400, 503])
        if route.body != nil || route.refusesBody { errors.formUnion([413, 415]) }
        if route.role != nil, core.access != nil { errors.formUnion([401, 403, 429]) }
        for status in errors.subtracting(route.answers).sorted() {
            entries.append(("\(status)", error(or: status == 400 ? route.refusal : Value?.none)))
        }
        return Value(entries: entries)
    }

    private static func error(or other: Value?) -> Value {
        let own: Value = ["$ref": "#/components/schemas/Error"]
        let schema = other.map { ["anyOf": Value(array: [own, $0])] as Value } ?? own
        return [
            "description": "Why there is no answer", "content": ["application/json": ["schema": schema]],
        ]
    }

    /// The body of a route that starts a run, with the schema of the workflow's input.
    private static func body(_ route: Route, of workflow: Workflow) -> Value {
        let input = WorkflowRendering.schema(workflow.plan.nodes[0].inputSchema, workflow.plan) ?? true
        let properties = (route.body?["properties"]?.entries ?? []).map { entry in
            (entry.key, entry.key == "inputData" ? input : entry.value)
        }
        let rest = (route.body?.entries ?? []).filter { $0.key != "properties" }.map { ($0.key, $0.value) }
        return Value(entries: rest + [("properties", Value(entries: properties))])
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
