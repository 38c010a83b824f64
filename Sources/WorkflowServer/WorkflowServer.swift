internal import HTTPTypes
public import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
public import Logging
internal import NIOCore
public import NIOSSL
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
        core = ServerCore(directory: directory, access: access, options: options)
        self.logger = logger
    }

    /// The routes, to be mounted in an application of one's own.
    public func responder() -> some HTTPResponder<ServerContext> { router().buildResponder() }

    private func router() -> Router<ServerContext> {
        let core = core
        let router = Router(context: ServerContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: AnswerMiddleware(core: core))
        var methods: [String: [HTTPRequest.Method]] = [:]
        for route in Route.all {
            methods[route.path, default: []].append(route.method)
            router.on(RouterPath(core.options.basePath + route.path), method: route.method) { request, context in
                try await Self.answer(route, request, context, core)
            }
        }
        for (path, known) in methods {
            let allowed = (known + (known.contains(.get) ? [.head] : [])).map(\.rawValue).sorted().joined(
                separator: ", ")
            let implied: Set<HTTPRequest.Method> = known.contains(.get) ? [.head] : []
            for method in Self.allMethods where !known.contains(method) && !implied.contains(method) {
                router.on(RouterPath(core.options.basePath + path), method: method) { _, _ -> Response in
                    var error = APIError(
                        .methodNotAllowed, "method_not_allowed", "Method not allowed; there are: \(allowed)")
                    error.headers[.allow] = allowed
                    throw error
                }
            }
        }
        if core.options.hasDashboard { DashboardRoutes.add(to: router, below: core.options.basePath) }
        return router
    }

    private static let allMethods: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace,
    ]

    private static func answer(
        _ route: Route, _ request: Request, _ context: ServerContext, _ core: ServerCore
    ) async throws -> Response {
        var context = context
        if let role = route.role, let access = core.access {
            let header = request.headers[.authorization]
            context.principal = try await access.principal(header, from: context.address)
            guard context.principal.may(role) else {
                throw APIError(.forbidden, "forbidden", "This needs a token of role '\(role.rawValue)'")
            }
        }
        return try await route.handler(
            APIRequest(request: request, context: context, limit: core.options.bodyLimit), core)
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
        let builder = HTTPServerBuilder.http1(
            configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(75)))
        let application = Application(
            responder: router().buildResponder(),
            server: try tls.map { try HTTPServerBuilder.tls(builder, tlsConfiguration: $0) } ?? builder,
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: nil, backlog: 1024),
            onServerRunning: { channel in await running(channel.localAddress?.port ?? port) }, logger: logger)
        let directory = core.directory
        directory.events.onSettled { [core] in core.metrics.settled($0) }
        defer { directory.events.onSettled(nil) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [core] in await core.metrics.run() }
            group.addTask { try await application.run() }
            // The application ends first, by an error or by a shutdown; counting has no end of its own.
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }

    /// Makes readiness fail and refuses what comes from now on; what is under way goes on.
    public func drain() { core.drain() }
}
