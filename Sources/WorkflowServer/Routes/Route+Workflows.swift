internal import FlatValue
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowDiagram
internal import WorkflowEngine

extension Route {
    /// The body with which AI Kit's clients start a run.
    private static let runBody: Value = [
        "type": "object", "required": ["inputData"],
        "properties": [
            "inputData": true, "runId": RouteSchema.runID, "metadata": RouteSchema.object, "ctx": RouteSchema.object,
            "telemetry": RouteSchema.telemetry,
        ],
    ]

    static let workflows: [Route] = [
        Route(
            .get, "/api/workflows", "Lists the workflows.", role: .read,
            query: [
                Parameter(
                    name: "counts", text: "Also how many runs each has in each status.", schema: RouteSchema.flag)
            ]
        ) { request, core in
            let workflows = await core.directory.catalog.workflows().filter { request.context.principal.maySee($0.id) }
            let counts = try request.flag("counts") ? try await core.directory.store.counts() : nil
            let shown = workflows.map { workflow in
                WorkflowRendering.summary(workflow, counts: counts.map { $0[workflow.id] ?? [:] })
            }
            var entries = [("workflows", Value(array: shown))]
            if let catalog = core.directory.catalog as? any DeploymentCatalog {
                let principal = request.context.principal
                let broken = await catalog.deployments().filter { deployment in
                    deployment.problem != nil
                        && (!principal.isLimited || deployment.workflows.contains(where: principal.maySee))
                }
                entries.append(
                    (
                        "broken",
                        Value(
                            array: broken.map { ["file": Value($0.file), "error": Value($0.problem ?? "")] as Value })
                    ))
            }
            return .json(Value(entries: entries))
        },
        Route(.get, "/api/workflows/{id}", "Describes a workflow.", role: .read, errors: [404]) { request, core in
            let workflow = try await core.workflow(request.parameter("id"), request)
            var deployment: Deployment?
            if let catalog = core.directory.catalog as? any DeploymentCatalog {
                deployment = await catalog.deployments().first { $0.workflows.contains(workflow.id) }
            }
            let counts = try await core.directory.store.counts(of: workflow.id)
            return .json(WorkflowRendering.details(workflow, deployment, counts: counts))
        },
        Route(
            .get, "/api/workflows/{id}/graph", "Draws a workflow, coloured by a run where one is named.", role: .read,
            query: [
                Parameter(
                    name: "format", text: "What to draw.",
                    schema: ["type": "string", "enum": ["json", "svg", "mermaid", "dot"]]),
                Parameter(name: "run", text: "The run that gives the colours."),
                Parameter(
                    name: "fold",
                    text: "The path of a construct that is drawn without its bodies; for svg, any number.",
                    isRepeatable: true),
            ], errors: [404, 409]
        ) { request, core in
            let workflow = try await core.workflow(request.parameter("id"), request)
            var (plan, steps, isOver) = (workflow.plan, [StepSnapshot](), false)
            if let id = request.query("run") {
                let header = try await core.header(id, request)
                guard header.workflow == workflow.id else { throw noRun(id, workflow.id) }
                let record = try await core.directory.record(of: id)
                (plan, steps, isOver) = (record.plan, record.result().steps, record.status.isTerminal)
            }
            switch request.query("format") ?? "json" {
            case "json":
                return .text(WorkflowGraph.json(plan, steps: steps), type: "application/json; charset=utf-8")
            case "svg":
                let picture = WorkflowGraph.svg(
                    plan, steps: steps, isOver: isOver, folded: Set(request.queryValues("fold")))
                return .text(picture, type: "image/svg+xml")
            case "mermaid": return .text(WorkflowGraph.mermaid(plan, steps: steps), type: "text/plain; charset=utf-8")
            case "dot": return .text(WorkflowGraph.dot(plan, steps: steps), type: "text/vnd.graphviz; charset=utf-8")
            default: throw APIError.badRequest("format has to be json, svg, mermaid or dot")
            }
        },
        Route(
            .post, "/api/workflows/{id}/run", "Runs a workflow, and answers when the run is over or waits.", role: .run,
            query: [.wait, .redact], body: runBody, answers: [200, 202], errors: [404, 409], isLenient: true
        ) { request, core in
            let (wait, redacts) = (try request.wait(), try request.flag("redact"))
            let started = try await start(request, core)
            let (record, isSettled) = try await request.whileConnected(core.waits) {
                try await core.directory.settled(started, within: wait, following: true)
            }
            return try settled(record, isSettled, redacts: redacts)
        },
        Route(
            .post, "/api/workflows/{id}/stream", "Runs a workflow, and streams its events.", role: .run,
            query: [
                Parameter(
                    name: "follow", text: "Go on through pauses until the run is over.", schema: RouteSchema.flag),
                .redact,
            ], body: runBody, type: "text/event-stream", errors: [404, 409], isLenient: true
        ) { request, core in
            let (follow, redacts) = (try request.flag("follow"), try request.flag("redact"))
            let started = try await start(request, core)
            return try await EventStream.run(started.id, request, core, follow: follow, redacts: redacts)
        },
        Route(
            .post, "/api/workflows/{id}/runs/{run}/resume",
            "Answers a step that waits for a person, and answers when the run is over or waits again.", role: .run,
            query: [.wait, .redact],
            body: [
                "type": "object", "required": ["stepId", "data"],
                "properties": ["stepId": ["type": "string"], "data": true],
            ], answers: [200, 202], errors: [404, 409, 422], isLenient: true
        ) { request, core in
            let (workflow, run) = try (request.parameter("id"), request.parameter("run"))
            let redacts = try request.flag("redact")
            let body = try await request.object()
            guard let step = body["stepId"]?.string, let data = body["data"] else {
                throw APIError.badRequest("Resume payload must include stepId and data")
            }
            guard let header = try await core.directory.store.header(of: run), header.workflow == workflow,
                request.context.principal.maySee(workflow)
            else {
                throw noRun(run, workflow)
            }
            try await core.directory.answer(
                run, step: step, data: data, by: request.context.principal.signature, key: request.key())
            return try await settled(run, request, core, redacts: redacts)
        },
    ]

    static func noRun(_ run: String, _ workflow: String) -> APIError {
        APIError(.notFound, "missing", "Run \(run) not found for workflow \(workflow)")
    }

    /// Starts a run as AI Kit's clients ask for it.
    private static func start(_ request: APIRequest, _ core: ServerCore) async throws -> StartedRun {
        try await withStart(request, core) { start, _ in try await core.directory.start(start) }
    }

    /// Calls `work` with what all requests say that start a run of the workflow of the path, and with their bodies.
    static func withStart<Result>(
        _ request: APIRequest, _ core: ServerCore,
        _ work: (_ start: StartRequest, _ body: Value) async throws -> Result
    ) async throws -> Result {
        let workflow = try await core.workflow(request.parameter("id"), request)
        return try await request.withObject { body in
            guard let input = body["inputData"] else {
                throw APIError.badRequest("Workflow payload must include inputData")
            }
            var start = try StartRequest(
                workflow: workflow.id, input: input, metadata: body.nested("metadata"), ctx: body.nested("ctx"))
            start.newID = try newID(request, of: workflow.id, body)
            start.trace = try trace(request, body)
            return try await work(start, body)
        }
    }

    /// What the request says of the run's trace, as the run keeps it; nil where it says nothing.
    static func trace(_ request: APIRequest, _ body: Value) throws -> Value? {
        var entries: [(String, Value)] = []
        if let telemetry = body.field("telemetry") {
            switch TelemetryFields.read(ofRun: telemetry) {
            case .success(let settings): entries.append(("telemetry", settings))
            case .failure(let fault): throw APIError.badRequest("telemetry \(fault.message)")
            }
        }
        if let caller = traceparent(request) { entries.append(("traceparent", Value(caller))) }
        return entries.isEmpty ? Value?.none : Value(entries: entries)
    }

    /// The span of the caller, as W3C's header; nil for none. What is no header of W3C's, or stands there more than once, is nobody's.
    static func traceparent(_ request: APIRequest) -> String? {
        let parents = request.request.headers[values: .traceparent]
        return parents.count == 1 && TraceParentText.parts(of: parents[0]) != nil ? parents[0] : nil
    }

    /// Waits until a run settles, as far as the request would wait, and answers with it.
    ///
    /// - Parameter redacts: without what schemas call secret.
    static func settled(
        _ id: String, _ request: APIRequest, _ core: ServerCore, redacts: Bool
    ) async throws -> Response {
        let wait = try request.wait()
        let (record, isSettled) = try await request.whileConnected(core.waits) {
            try await core.directory.settled(id, within: wait, following: true)
        }
        return try settled(record, isSettled, redacts: redacts)
    }

    private static func settled(_ record: RunRecord, _ isSettled: Bool, redacts: Bool) throws -> Response {
        try .run(
            record, redacts: redacts, status: isSettled && record.status != .running ? .ok : .accepted)
    }
}
