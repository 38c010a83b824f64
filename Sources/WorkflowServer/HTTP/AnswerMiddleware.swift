internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOHTTP1
internal import WorkflowEngine

/// The outermost layer: gives the request an id, turns errors into answers, counts and logs.
struct AnswerMiddleware: RouterMiddleware {
    typealias Context = ServerContext
    let core: ServerCore

    func handle(
        _ request: Request, context: ServerContext, next: @concurrent (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var context = context
        context.requestID = Self.id(request)
        var response: Response
        do {
            response = try await answer(request, context: context, next: next)
        } catch let error as HTTPParserError {
            // The connection is of no more use; whoever reads it answers and closes it.
            throw error
        } catch {
            let refusal = APIError(error)
            // That a server stops or is busy is no fault of it.
            if refusal.status.code >= 500, refusal.status != .serviceUnavailable {
                context.logger.error("\(error)", metadata: ["request": "\(context.requestID)"])
            }
            response = refusal.response
        }
        // Bytes behind the head would be taken for the next answer (RFC 9110, section 9.3.2).
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.requestID] = context.requestID
        if core.isDraining { response.headers[.connection] = "close" }
        let duration = ContinuousClock.now - start
        let route = context.endpointPath ?? "NotFound"
        core.metrics.request("\(request.method.rawValue) \(route)", status: response.status.code, took: duration)
        context.logger.debug(
            "\(request.method.rawValue) \(request.uri.path) \(response.status.code)",
            metadata: ["request": "\(context.requestID)", "ms": "\(duration / .milliseconds(1))"])
        return response
    }

    private func answer(
        _ request: Request, context: ServerContext, next: @concurrent (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let origin = request.headers[.origin].flatMap(core.options.admittedOrigin)
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil, let origin {
            return Self.preflight(origin)
        }
        // Of the server as a whole (RFC 9110, section 9.3.7), which has no more to tell than any of its paths.
        if request.method == .options, request.head.path == "*" {
            return Response(status: .noContent, headers: [.allow: "DELETE, GET, HEAD, OPTIONS, POST"])
        }
        let isHealth = request.uri.path.hasPrefix(core.options.basePath + "/health/")
        guard isHealth || core.metrics.requestBegan(limit: core.options.requestLimit) else {
            throw APIError.overloaded(origin: origin)
        }
        defer { if !isHealth { core.metrics.requestEnded() } }
        if !isHealth, core.room.isShort(context.channel) { throw APIError.overloaded("Too many connections are open") }
        let response: Response
        do {
            // Whoever watches the process may always ask; all else is told that the end is near.
            if core.isDraining, !isHealth {
                throw APIError.stopping
            }
            response = try await next(request, context)
        } catch let error as HTTPError
            where error.status == .notFound && !WorkflowServer.methods.contains(request.method)
        {
            var refusal = APIError(
                .methodNotAllowed, "method_not_allowed", "There is no method \(request.method.rawValue)")
            refusal.headers[.allow] = WorkflowServer.methods.map(\.rawValue).sorted().joined(separator: ", ")
            throw refusal
        } catch {
            guard let origin, !(error is HTTPParserError) else { throw error }
            var refusal = APIError(error)
            refusal.headers.allow(origin)
            throw refusal
        }
        guard var response = response.counted(in: core.answers) else {
            throw APIError.overloaded("Large answers wait for clients that do not take them")
        }
        if let origin { response.headers.allow(origin) }
        return response
    }

    private static func preflight(_ origin: String) -> Response {
        Response(
            status: .noContent,
            headers: [
                .accessControlAllowOrigin: origin, .vary: "Origin",
                .accessControlAllowMethods: "GET, POST, DELETE",
                .accessControlAllowHeaders:
                    "Authorization, Content-Type, Last-Event-ID, Idempotency-Key, X-Request-ID",
                .accessControlMaxAge: "600",
            ])
    }

    /// The client's own id where it is a plain one, else a new one.
    private static func id(_ request: Request) -> String {
        if let given = request.headers[.requestID], (1...128).contains(given.utf8.count),
            given.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        {
            return given
        }
        return RunIdentifier.make()
    }
}

extension HTTPFields {
    /// Lets pages of an origin read the answer.
    fileprivate mutating func allow(_ origin: String) {
        self[.accessControlAllowOrigin] = origin
        append(HTTPField(name: .vary, value: "Origin"))
        self[.accessControlExposeHeaders] = "Location, X-Request-ID, Retry-After"
    }
}

extension APIError {
    /// More requests are under way than may be.
    fileprivate static func overloaded(origin: String?) -> APIError {
        var error = APIError.overloaded("Too many requests are under way")
        if let origin { error.headers.allow(origin) }
        return error
    }
}
