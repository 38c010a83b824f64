internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

extension Route {
    static let steering: [Route] = [
        Route(
            .post, "/api/runs/{id}/resume", "Answers a step that waits for a person.", role: .run,
            query: [.wait, .redact],
            body: [
                "type": "object", "required": ["data"],
                "properties": ["stepId": RouteSchema.text, "data": true],
            ], answers: [200, 202], errors: [404, 409, 422]
        ) { request, core in
            let (id, redacts) = (try request.parameter("id"), try request.flag("redact"))
            let body = try await request.object()
            guard let data = body["data"] else {
                throw APIError.badRequest("Resume payload must include stepId and data")
            }
            _ = try await core.header(id, request)
            try await core.directory.answer(
                id, step: body.text("stepId"), data: data, by: request.context.principal.signature, key: request.key())
            return try await settled(id, request, core, redacts: redacts)
        },
        Route(
            .post, "/api/runs/{id}/signals/{event}", "Gives a run an event; the body is what comes with it.",
            role: .run,
            body: ["type": "object", "properties": ["data": true]], isBodyOptional: true, answers: [202],
            errors: [404, 409, 422]
        ) { request, core in
            let (id, event) = try (request.parameter("id"), request.parameter("event"))
            let body = try await request.optionalObject()
            _ = try await core.header(id, request)
            try await core.directory.signal(id, event, payload: body["data"] ?? .null, key: request.key())
            return .json(["runId": Value(id), "event": Value(event)], status: .accepted)
        },
        Route(
            .post, "/api/runs/{id}/cancel", "Cancels a run, and answers when it has stopped.", role: .run,
            query: [.redact],
            body: ["type": "object", "properties": ["reason": RouteSchema.text]], isBodyOptional: true,
            errors: [404, 409]
        ) { request, core in
            let (id, redacts) = (try request.parameter("id"), try request.flag("redact"))
            let reason = try await request.optionalObject().text("reason") ?? "cancelled"
            _ = try await core.header(id, request)
            let key = try request.key()
            // A run that goes on in another one's place is still to be cancelled, whether anybody waits for it or not.
            let record = try await request.awaitLasting(core.waits) {
                try await core.directory.cancel(id, reason: reason, key: key)
            }
            return try .run(record, redacts: redacts)
        },
        Route(
            .post, "/api/runs/{id}/retry", "Starts a run that does again what made another one fail.", role: .run,
            body: [
                "type": "object",
                "properties": ["runId": RouteSchema.runID, "newest": RouteSchema.choice],
            ], isBodyOptional: true, answers: [200, 202], errors: [404, 409]
        ) { request, core in
            try await fork(request, core, reason: "retried") { _ in .failure }
        },
        Route(
            .post, "/api/runs/{id}/fork", "Starts a run that takes over what another one did before a step.",
            role: .run,
            body: [
                "type": "object",
                "properties": [
                    "from": RouteSchema.text, "input": true, "runId": RouteSchema.runID, "newest": RouteSchema.choice,
                ],
                "anyOf": [
                    ["required": ["from"], "properties": ["from": ["type": "string"]]],
                    ["required": ["newest"], "properties": ["newest": ["const": true]]],
                ],
            ], answers: [200, 202], errors: [404, 409]
        ) { request, core in
            try await fork(request, core, reason: "forked") { body in
                if let path = try body.text("from") { return .before(path) }
                guard try body.flag("newest") else {
                    throw APIError.badRequest(
                        "from has to name the first step that runs again, or newest has to be true")
                }
                return .change
            }
        },
        Route(
            .post, "/api/runs/{id}/upgrade", "Moves a run that waits to the newest code, if all that it recorded fits.",
            role: .admin,
            query: [Parameter(name: "dryRun", text: "Only say what fits.", schema: RouteSchema.flag)],
            body: ["type": "object", "properties": ["dryRun": RouteSchema.choice]], isBodyOptional: true,
            errors: [404, 409]
        ) { request, core in
            let id = try request.parameter("id")
            let body = try await request.optionalObject()
            let dryRun = try request.flag("dryRun") || body.flag("dryRun")
            _ = try await core.header(id, request)
            let upgrade = try await core.directory.upgrade(id, dryRun: dryRun)
            return .json(
                Self.upgrade(upgrade, id, isMoved: upgrade.fits && !dryRun),
                status: upgrade.fits || dryRun ? .ok : .conflict)
        },
        Route(
            .delete, "/api/runs/{id}", "Removes a run that is over.", role: .admin, answers: [204], errors: [404, 409]
        ) {
            request, core in
            let id = try request.parameter("id")
            _ = try await core.header(id, request)
            try await core.directory.delete(id)
            return Response(status: .noContent)
        },
    ]

    private static func fork(
        _ request: APIRequest, _ core: ServerCore, reason: String, _ point: (Value) throws -> ForkPoint
    ) async throws -> Response {
        let id = try request.parameter("id")
        let body = try await request.optionalObject()
        let point = try point(body)
        _ = try await core.header(id, request)
        func answer(_ run: String, _ status: HTTPResponse.Status) -> Response {
            var response = Response.json(["runId": Value(run), "lineage": Value(id)], status: status)
            response.headers[.location] = "\(core.options.basePath)/api/runs/\(run.percentEscaped)"
            return response
        }
        let newID = try newID(request, of: "\(reason) \(id)", body)
        do {
            let run = try await core.directory.fork(
                id, at: point, input: body["input"], named: newID, newest: body.flag("newest"), reason: reason,
                traceparent: traceparent(request))
            return answer(run.id, .accepted)
        } catch let failure as RunFailure where failure.code == RunFailure.Code.idTaken {
            // Asked again, it is the run that was made then.
            guard let newID, try await core.directory.store.header(of: newID.text)?.lineage == id else { throw failure }
            return answer(newID.text, .ok)
        }
    }

    private static func upgrade(_ upgrade: Upgrade, _ id: String, isMoved: Bool) -> Value {
        let steps = upgrade.steps.map { step in
            var entries: [(String, Value)] = [
                ("path", Value(step.path)), ("status", Value(step.status)), ("fits", Value(step.misfit == nil)),
            ]
            if let misfit = step.misfit {
                entries += [("code", Value(misfit.kind.rawValue)), ("message", Value(misfit.message))]
            }
            return Value(entries: entries)
        }
        var entries: [(String, Value)] = [
            ("runId", Value(id)), ("fits", Value(upgrade.fits)), ("moved", Value(isMoved)),
            ("steps", Value(array: steps)),
        ]
        if let misfit = upgrade.misfit {
            entries += [("error", Value(misfit.description)), ("code", "misfit")]
        }
        return Value(entries: entries)
    }
}
