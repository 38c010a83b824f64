internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import WorkflowCore
internal import WorkflowEngine

/// The Model Context Protocol over streamable HTTP: one message a request; calls of tools are answered by a stream.
extension Route {
    static let mcp: [Route] = {
        var receiving = Route(
            .post, "/mcp", "Takes a message of the Model Context Protocol.", role: .read, body: message,
            answers: [200, 202], errors: [404], isLenient: true
        ) { request, core in try await receive(request, core) }
        receiving.refusal = ["type": "object", "required": ["jsonrpc", "error"]]
        var ending = Route(
            .delete, "/mcp", "Ends a session of the Model Context Protocol.", role: .read, answers: [204],
            errors: [404], isLenient: true
        ) { request, core in
            let (id, _) = try session(request, core)
            core.sessions.remove(id)
            return Response(status: .noContent)
        }
        ending.headers = [Parameter(name: "Mcp-Session-Id", text: "The session.")]
        return [receiving, ending]
    }()

    /// A message of JSON-RPC 2.0; without a session it may only begin one.
    private static let message: Value = [
        "type": "object", "required": ["jsonrpc", "method"],
        "properties": ["jsonrpc": ["const": "2.0"], "method": ["type": "string"]],
    ]

    /// The session that the request names.
    private static func session(_ request: APIRequest, _ core: ServerCore) throws -> (id: String, MCPSession) {
        try requireMCP(core)
        guard let id = request.request.headers[.mcpSession] else {
            throw APIError.badRequest("The request has no Mcp-Session-Id", code: "no_session")
        }
        guard let session = core.sessions.find(id, for: request.context.principal) else {
            throw APIError(.notFound, "no_session", "There is no such session; it begins with initialize")
        }
        return (id, session)
    }

    private static func requireMCP(_ core: ServerCore) throws(APIError) {
        if !core.options.hasMCP { throw APIError(.notFound, "not_found", "There is nothing here") }
    }

    private static func receive(_ request: APIRequest, _ core: ServerCore) async throws -> Response {
        try requireMCP(core)
        if let version = request.request.headers[.mcpVersion], !MCPSession.versions.contains(version) {
            let versions = MCPSession.versions.joined(separator: ", ")
            return refused(RPCFault(RPCError(.invalidRequest, "The protocol's versions are \(versions)")))
        }
        let message: RPCMessage
        do {
            message = try await request.json().withUnsafeReadableBytes { try RPCMessage($0) }
        } catch let fault as RPCFault {
            return refused(fault)
        }
        if case .request(_, "initialize", _) = message { return try await begin(message, request, core) }
        if case .request(let id, let method, _) = message, request.request.headers[.mcpSession] == nil {
            // Clients of other versions ask what is spoken here before they begin.
            let error =
                method.contains("/") && !method.hasPrefix("tools/") && !method.hasPrefix("resources/")
                ? RPCError(.methodNotFound, "There is no method '\(method)'")
                : RPCError(.invalidRequest, "The request has no Mcp-Session-Id; a session begins with initialize")
            return refused(RPCFault(error, id: id))
        }
        let (_, session) = try session(request, core)
        if case .request(_, "tools/call", _) = message, request.request.wantsEventStream {
            return stream(message, session, request, core)
        }
        return try await request.whileConnected(core.waits) { await answered(message, session, request) }
    }

    private static func refused(_ fault: RPCFault) -> Response { .json(fault.answer, status: .badRequest) }

    private static func begin(
        _ message: RPCMessage, _ request: APIRequest, _ core: ServerCore
    ) async throws -> Response {
        let base = core.options.basePath
        let offers = MCPOffers(core.directory, resources: core.options.resources) { run, path in
            let address = "\(base)/api/tasks/\(run.percentEscaped)/\(path.percentEscaped)"
            return "A person answers it in the dashboard's inbox, or by POST \(address) with {\"data\": …}."
        }
        let session = MCPSession(offers, for: request.context.principal)
        var response = await answered(message, session, request)
        guard let id = core.sessions.add(session) else {
            throw APIError(
                .serviceUnavailable, "too_many_sessions",
                "There are too many sessions, in all of which calls are under way; end one, or try again later")
        }
        response.headers[.mcpSession] = id
        return response
    }

    /// The answer to a message as JSON; 202 for one that has none.
    private static func answered(
        _ message: RPCMessage, _ session: MCPSession, _ request: APIRequest
    ) async -> Response {
        let (messages, source) = AsyncStream.makeStream(of: Value.self)
        let traceparent = traceparent(request)
        let work = session.receive(message, canAsk: false, traceparent: traceparent) { source.yield($0) }
        guard let work else { return Response(status: .accepted) }
        await work.run()
        source.finish()
        var answer: Value?
        // Only the answer itself has no method.
        for await message in messages where message["method"] == nil { answer = message }
        guard let answer else { return Response(status: .accepted) }
        return .json(answer)
    }

    /// The messages of a call, its answer last.
    private static func stream(
        _ message: RPCMessage, _ session: MCPSession, _ request: APIRequest, _ core: ServerCore
    ) -> Response {
        let (messages, source) = AsyncStream.makeStream(of: Value?.self)
        let traceparent = traceparent(request)
        request.context.channel.closeFuture.whenComplete { _ in source.finish() }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache", .accelBuffering: "no",
            ],
            body: ResponseBody { writer in
                let work = session.receive(message, traceparent: traceparent) { source.yield($0) }
                // The run goes on when the client is gone, and only the call ends.
                let working = _Concurrency.Task {
                    await work?.run()
                    source.finish()
                }
                let heartbeat = _Concurrency.Task {
                    while !_Concurrency.Task.isCancelled {
                        try await _Concurrency.Task.sleep(for: core.options.heartbeat)
                        source.yield(Value?.none)
                    }
                }
                core.metrics.streamBegan()
                defer {
                    working.cancel()
                    heartbeat.cancel()
                    core.metrics.streamEnded()
                }
                var frames = FrameWriter(writer, core.directory.events.turns)
                for await message in messages {
                    if let message { try await frames.frame("message", message) } else { try await frames.comment() }
                }
                try await frames.finish()
            })
    }
}
