internal import HTTPTypes
public import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
public import Logging
internal import NIOCore
public import NIOSSL
internal import ServiceLifecycle
internal import Synchronization
public import WorkflowEngine

/// Serves the runs of an engine by HTTP.
///
/// It reads and calls a ``RunDirectory`` and its event hub, and holds no logic of the engine, so it serves an engine
/// that another program embeds as well.
///
/// ```swift
/// let engine = WorkflowEngine.inMemory()
/// let server = WorkflowServer(try RunDirectory(engine, catalog: FixedCatalog([order])))
/// try await server.run(host: "127.0.0.1", port: 8787)
/// ```
public final class WorkflowServer: Sendable {
    private let core: ServerCore
    private let logger: Logger

    /// - Parameter access: who may ask; nil for everybody.
    public init(
        _ directory: RunDirectory, access: AccessControl? = nil, options: ServerOptions = ServerOptions(),
        logger: Logger = Logger(label: "aikit-lua")
    ) {
        core = ServerCore(directory: directory, access: access, options: options, logger: logger)
        self.logger = logger
    }

    /// Serves workflows of an engine that keeps its runs: in a store, or in memory by `inMemory`.
    ///
    /// - Throws: ``RunFailure`` with the code `no_store` for any other engine.
    public convenience init(
        engine: WorkflowEngine, workflows: [Workflow], access: AccessControl? = nil,
        options: ServerOptions = ServerOptions(), logger: Logger = Logger(label: "aikit-lua")
    ) throws {
        try self.init(
            RunDirectory(engine, catalog: FixedCatalog(workflows)), access: access, options: options, logger: logger)
    }

    /// Answers as the server does, for an application of one's own that has no routes but these.
    public func responder() -> some HTTPResponder<ServerContext> { router().buildResponder() }

    /// Adds the routes to a router of one's own, below ``ServerOptions/basePath``.
    ///
    /// The application also runs ``countRuns()``, if it wants `/metrics` to count them.
    ///
    /// ```swift
    /// let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
    /// server.addRoutes(to: router)
    /// try await Application(router: router).runService()
    /// ```
    public func addRoutes(to router: Router<ServerContext>) {
        let group = router.group()
        group.add(middleware: AnswerMiddleware(core: core))
        register(group)
    }

    private func router() -> Router<ServerContext> {
        let router = Router(context: ServerContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: AnswerMiddleware(core: core))
        register(router)
        if core.options.hasDashboard { DashboardRoutes.add(to: router, below: core.options.basePath) }
        return router
    }

    private func register(_ router: some RouterMethods<ServerContext>) {
        let core = core
        var methods: [String: [HTTPRequest.Method]] = [:]
        for route in Route.all {
            methods[route.path, default: []].append(route.method)
            router.on(RouterPath(core.options.basePath + route.path), method: route.method) { request, context in
                try await Self.answer(route, request, context, core)
            }
        }
        for (path, known) in methods {
            let implied: [HTTPRequest.Method] = known.contains(.get) ? [.head] : []
            let allowed = (known + implied + [.options]).map(\.rawValue).sorted().joined(separator: ", ")
            for method in Self.methods where !known.contains(method) && !implied.contains(method) {
                router.on(RouterPath(core.options.basePath + path), method: method) { request, _ -> Response in
                    if request.method == .options { return Response(status: .noContent, headers: [.allow: allowed]) }
                    var error = APIError(
                        .methodNotAllowed, "method_not_allowed", "Method not allowed; there are: \(allowed)")
                    error.headers[.allow] = allowed
                    throw error
                }
            }
        }
    }

    /// The methods that a path answers to, if only to refuse them.
    static let methods: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace,
    ]

    private static func answer(
        _ route: Route, _ request: Request, _ context: ServerContext, _ core: ServerCore
    ) async throws -> Response {
        var context = context
        if core.access == nil { try BrowserGuard.check(request, core.options) }
        if let role = route.role, let access = core.access {
            let credential = try SessionCookie.credential(of: request)
            do {
                context.principal = try await access.principal(credential.header, from: context.address)
                context.isSession = credential.isSession
            } catch var error as APIError where credential.isSession && error.status == .unauthorized {
                // It is good for nothing any more, and would only be sent again.
                error.headers.append(SessionCookie.clearing(for: request, below: core.options.basePath))
                throw error
            }
            guard context.principal.may(role) else {
                throw APIError(.forbidden, "forbidden", "This needs a token of role '\(role.rawValue)'")
            }
        }
        let asked = APIRequest(
            request: request, context: context, limit: core.options.bodyLimit, bodies: core.bodies, turns: core.turns,
            route: route)
        try asked.refuseUnknownParameters()
        try await asked.refuseUnreadBody()
        return try await route.handler(asked, core)
    }

    /// Serves until its task is cancelled or the service group that it belongs to shuts down.
    ///
    /// - Parameters:
    ///   - port: 0 takes any free one.
    ///   - tls: certificate and key; nil for plain HTTP.
    ///   - running: told the port once requests are taken.
    public func run(
        host: String, port: Int, tls: TLSConfiguration? = nil,
        running: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        let (options, waits, room) = (core.options, core.waits, core.room)
        let builder = HTTPServerBuilder { responder in
            let configuration = HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    HTTP1RulesInstaller(bodyLimit: options.bodyLimit),
                    RequestDeadlines(
                        head: options.headTimeout, body: options.bodyTimeout, taking: options.takingTimeout,
                        halfClosed: options.halfClosedTime,
                        waits: waits, room: room),
                    LingeringClose(),
                ])
            return LoopChannel(HTTP1Channel(responder: responder, configuration: configuration))
        }
        let application = Application(
            responder: router().buildResponder(),
            server: try tls.map { try HTTPServerBuilder.tls(builder, tlsConfiguration: $0) } ?? builder,
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: nil, backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(room.limit, logger: logger)),
            onServerRunning: { [logger] channel in
                channel.eventLoop.execute {
                    try? channel.pipeline.syncOperations.addHandler(AcceptPause(logger), position: .first)
                }
                await running(channel.localAddress?.port ?? port)
            }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.countRuns() }
            group.addTask { [logger] in
                try await Self.serve(application, cancelGrace: options.cancelGrace, logger)
            }
            // The application ends first, by an error or by a shutdown; counting has no end of its own.
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }

    /// Runs the application. When its task is cancelled it stops listening and lets requests that are under way go on for a while.
    private static func serve(_ application: some Service, cancelGrace: Duration, _ logger: Logger) async throws {
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [application], logger: logger))
        // A task of its own, since a cancelled listener cannot end in good order.
        let serving = Task { try await group.run() }
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await serving.value
            } onGracefulShutdown: {
                Task { await group.triggerGracefulShutdown() }
            }
        } onCancel: {
            Task {
                await group.triggerGracefulShutdown()
                try? await Task.sleep(for: cancelGrace)
                serving.cancel()
            }
        }
    }

    /// Counts the runs that end, for `/metrics`, until its task is cancelled. ``run(host:port:tls:running:)`` does so by itself.
    public func countRuns() async {
        let (events, metrics) = (core.directory.events, core.metrics)
        events.onSettled { metrics.settled($0) }
        defer { events.onSettled(nil) }
        await metrics.run()
    }

    /// How many requests are under way, without those that are answered by a stream.
    package var requestCount: Int { core.metrics.requestCount }

    /// How many streams are open.
    package var streamCount: Int { core.metrics.streamCount }

    /// Makes readiness fail and refuses what comes from now on; what is under way goes on.
    public func drain() { core.drain() }
}
