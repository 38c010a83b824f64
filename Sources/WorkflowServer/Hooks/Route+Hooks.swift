internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import WorkflowCore
internal import WorkflowEngine

extension Route {
    static let hooks: [Route] = [
        Route(
            .post, "/hooks/**",
            "A webhook of a workflow: starts a run, and answers before it begins and after it is recorded, or gives a "
                + "run a signal.", role: nil, answers: [200, 202], errors: [401, 404, 409, 415, 422]
        ) { request, core in
            let path = try request.rest()
            guard let (workflow, hook) = await core.hook(path) else {
                throw APIError(.notFound, "unknown_hook", "There is no hook '\(path)'")
            }
            return try await request.withBytes { body in
                let proof = try hook.signature.map { try verify($0, [UInt8](buffer: body), request, core) }
                // What no function asks for is not made.
                let value = hook.asks ? try request.hookValue(body) : try request.hookInput(body)
                return hook.signal != 0
                    ? try await signal(hook, workflow, value, proof, core)
                    : try await start(hook, workflow, value, proof, traceparent(request), core)
            }
        }
    ]

    /// Refuses a request that the holder of the secret has not signed.
    private static func verify(
        _ signature: Webhook.Signature, _ body: [UInt8], _ request: APIRequest, _ core: ServerCore
    ) throws -> Webhook.Signature.Proof {
        guard let secret = core.options.secret(signature.secret), !secret.isEmpty else {
            throw APIError(
                .serviceUnavailable, "missing_secret",
                "The server has no secret for this hook that it can use; its log says more")
        }
        let headers = request.request.headers
        let proof = signature.proof(
            { name in HTTPField.Name(name).flatMap { headers[$0] } }, body: body, secret: Array(secret.utf8),
            at: core.directory.engine.clock.now())
        guard let proof else {
            let what = signature.moment == nil ? "the body" : "the body, or is not of now"
            throw APIError(.unauthorized, "invalid_signature", "The signature does not fit \(what)")
        }
        return proof
    }

    private static func start(
        _ hook: Webhook, _ workflow: Workflow, _ value: Value, _ proof: Webhook.Signature.Proof?,
        _ traceparent: String?, _ core: ServerCore
    ) async throws -> Response {
        var input = hook.asks ? value["json"] ?? value["body"] ?? .null : value
        if hook.input != 0 {
            input = try await core.directory.engine.ask(workflow, hook.input, named: "input", value)
            if input.isNull { return ignored }
        }
        var start = StartRequest(workflow: workflow.id, input: input)
        start.traceparent = traceparent
        if hook.runID != 0 {
            let given = try await core.directory.engine.ask(workflow, hook.runID, named: "run_id", value)
            start.newID = try refusing { () throws(RunFailure) in try HookReading.runID(given) }.map { .chosen($0) }
        }
        // A copy of a request finds the run that the request has started.
        if start.newID == nil, let proof, proof.isUnique {
            start.newID = .reserved(.delivery(String(proof.digest.prefix(32)), to: hook.id, of: workflow.id))
        }
        do {
            let started = try await core.directory.start(start)
            return answer(started.id, isNew: started.isNew)
        } catch let failure as RunFailure where failure.code == RunFailure.Code.otherInput {
            // The same delivery once more, in other words: the first one counts.
            guard let id = start.newID?.text else { throw failure }
            return answer(id, isNew: false)
        }
    }

    private static func answer(_ run: String, isNew: Bool) -> Response {
        .json(["runId": Value(run), "isNew": Value(isNew)], status: isNew ? .accepted : .ok)
    }

    private static func signal(
        _ hook: Webhook, _ workflow: Workflow, _ value: Value, _ proof: Webhook.Signature.Proof?, _ core: ServerCore
    ) async throws -> Response {
        let signal = try await core.directory.engine.ask(workflow, hook.signal, named: "signal", value)
        guard let (run, event, data) = try refusing({ () throws(RunFailure) in try HookReading.signal(signal) }) else {
            return ignored
        }
        guard try await core.directory.store.header(of: run)?.workflow == workflow.id else {
            throw APIError(.notFound, "missing", "Run \(run) not found")
        }
        // The run takes a copy of a request once.
        let key = proof.flatMap { $0.isUnique ? "hook-\($0.digest)" : nil }
        try await core.directory.signal(run, event, payload: data, key: key)
        return .json(["runId": Value(run), "event": Value(event)], status: .accepted)
    }

    /// The answer to what the script wants nothing to come of.
    private static var ignored: Response { .json(["ignored": true], status: .accepted) }

    /// Has what a function of the script returned amiss be no fault of the client.
    private static func refusing<Result>(_ body: () throws(RunFailure) -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw APIError(.unprocessableContent, error.code, error.message)
        }
    }
}

extension Webhook {
    /// Whether a function of the script is given the request.
    fileprivate var asks: Bool { input != 0 || runID != 0 || signal != 0 }
}

extension ServerCore {
    /// The hook of a path, with its workflow.
    fileprivate func hook(_ path: String) async -> (Workflow, Webhook)? {
        guard let workflow = await directory.catalog.workflow(withHookAt: path),
            let hook = workflow.plan.hooks.first(where: { $0.path == path })
        else { return nil }
        return (workflow, hook)
    }
}
