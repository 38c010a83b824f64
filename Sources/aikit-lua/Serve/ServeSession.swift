internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import MemoryJournal
internal import NIOCore
internal import Platform
internal import ServiceLifecycle
internal import Synchronization
internal import VMProcess
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer
internal import WorkflowTelemetry

/// A server from its start to its end.
final class ServeSession: Sendable {
    private let settings: ServeSettings
    private let log: ServeLog
    let phase = ServicePhase()

    /// The bytes of a secret by which tokens are signed with HS256 (RFC 7518, section 3.2).
    private static let leastSecret = 32

    init(_ settings: ServeSettings) {
        self.settings = settings
        log = ServeLog(settings.logFormat)
    }

    /// Serves until the phase ends; by then the log is written, as far as somebody reads it.
    func run() async throws { try await log.written { try await serve() } }

    private func serve() async throws {
        let store = try ServiceStore(settings, log)
        let (access, keys) = try await access(store.lasting)
        guard settings.isLoopback || access != nil || settings.isInsecure else {
            throw UsageError(
                "\(settings.host) is reached from outside, and nobody needs a token; make one with "
                    + "'aikit-lua token create', name --jwt-secret-env or --jwks, or say --insecure")
        }
        let tls = try ServeTLS.read(certificate: settings.certificate, key: settings.key)
        let host = try await ServiceHost(settings, on: store.runs, log)
        if await host.directory.catalog.workflows().isEmpty {
            log.warn(
                "there is no workflow yet at \(settings.paths.joined(separator: ", ")); scripts that come are loaded")
        }
        let server = server(host, access)
        phase.serve { host.tellGivenUp() }
        var more: [@Sendable () async -> Void] = []
        if let keys { more.append(keys.run) }
        if let tls { more.append { [log] in await tls.follow(log) } }
        let work = host.work([.queue, .recovery, .schedules], more)
        let limit = max(.microseconds(settings.grace), .seconds(1)) + host.closingTime
        let end = await phase.heed(within: limit) { [self] in
            let failure = await serve(server, tls, host.directory, work)
            let isRefused = failure != nil && !phase.isEnding
            await work.end()
            await host.close()
            await store.runs.close()
            return isRefused ? failure : nil
        }
        switch end {
        case .some(let failure?):
            throw UsageError(
                "cannot listen at \(settings.host):\(settings.port): \(Self.reason(failure, port: settings.port))")
        case .some(nil): break
        case nil: log.warn(store.stall.notice)
        }
        log.info("stopped")
    }

    private func server(_ host: ServiceHost, _ access: AccessControl?) -> WorkflowServer {
        var serving = ServerOptions()
        serving.basePath = settings.basePath
        serving.hasDashboard = settings.hasDashboard
        serving.allowedOrigins = settings.origins
        serving.bodyLimit = settings.bodyLimit
        let (largest, isTooMany) = settings.bodyLimit.multipliedReportingOverflow(by: 2)
        serving.bodiesLimit = max(serving.bodiesLimit, isTooMany ? .max : largest)
        if access == nil, !settings.isInsecure {
            serving.hosts = [settings.host.lowercased()]
        }
        serving.resources = Guides.all
        let untold = Mutex<Set<String>>([])
        serving.secret = { [secrets = host.secrets, log] name in
            do throws(SecretFailure) {
                return try secrets.value(of: name)
            } catch {
                if untold.withLock({ $0.insert(name).inserted }) {
                    log.error("a webhook cannot be called: \(error.message)")
                }
                return nil
            }
        }
        return WorkflowServer(host.directory, access: access, options: serving, logger: log.logger)
    }

    /// Takes requests until the phase ends or it cannot listen; nil, or why it cannot.
    private func serve(
        _ server: WorkflowServer, _ tls: ServeTLS?, _ directory: RunDirectory, _ work: ServiceWork
    ) async -> (any Error)? {
        let service = ListeningService(settings: settings, server: server, tls: tls, log: log)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [service], logger: log.logger))
        let grace = Duration.microseconds(settings.grace)
        // Steps end a little before the rest does, so that the answers that wait for them still go out.
        let stepGrace = max(grace / 2, grace - .seconds(2))
        return await withTaskGroup(of: (any Error)?.self) { tasks in
            let (phase, log) = (phase, log)
            tasks.addTask {
                do {
                    try await group.run()
                    return nil
                } catch {
                    return error
                }
            }
            let drain = Task {
                await phase.ended()
                guard phase.isEnding else { return }
                log.info("stopping")
                server.drain()
                work.cancel()
                await directory.releaseAll(within: stepGrace)
                directory.events.close()
                await group.triggerGracefulShutdown()
            }
            tasks.addTask {
                // Whoever still sends or reads then is not waited for.
                await phase.ended()
                try? await Task.sleep(for: max(grace, .seconds(1)))
                return nil
            }
            let failure = await tasks.next() ?? nil
            tasks.cancelAll()
            drain.cancel()
            return failure
        }
    }

    /// Why the server cannot listen, with what helps.
    private static func reason(_ failure: any Error, port: Int) -> String {
        guard let failure = failure as? IOError else { return "\(failure)" }
        switch failure.errnoCode {
        case EADDRINUSE:
            return
                "another program listens there already; choose another port with --port, or any free one with --port 0"
        case EACCES: return "ports below 1024 are the system's; choose another one with --port"
        case EADDRNOTAVAIL: return "this machine has no such address; choose another one with --host"
        default: return systemMessage(failure.errnoCode)
        }
    }

    /// Who may ask, and what keeps the keys of their tokens up to date.
    private func access(_ store: (any TokenStore)?) async throws -> (AccessControl?, KeySetFollower?) {
        var keys: KeySetFollower?
        var jwt: JWTAccess?
        if settings.jwtSecretVariable != nil || settings.jwks != nil {
            var options = JWTOptions()
            options.issuer = settings.jwtIssuer
            options.audience = settings.jwtAudience
            options.roleClaim = settings.jwtRoleClaim ?? options.roleClaim
            options.nameClaim = settings.jwtNameClaim ?? options.nameClaim
            options.defaultRole = settings.jwtDefaultRole ?? options.defaultRole
            let access = JWTAccess(options)
            if let variable = settings.jwtSecretVariable {
                guard let secret = environment(variable), !secret.isEmpty else {
                    throw UsageError("the environment has no \(variable), which is to hold the secret of tokens")
                }
                if secret.utf8.count < Self.leastSecret {
                    log.warn(
                        "the secret of tokens in \(variable) has \(secret.utf8.count) bytes, and can be found by trying; it should "
                            + "have \(Self.leastSecret) or more")
                }
                access.add(secret: secret)
            }
            if let place = settings.jwks {
                let (log, source) = (log, KeySetAddress(place))
                let follower = KeySetFollower(
                    access, fetch: { if let source { try await source.read() } else { try Self.keys(place) } }
                ) {
                    log.warn("the keys at \(place) cannot be used: \(problems(of: $0).first?.message ?? "\($0)")")
                }
                if source == nil {
                    // What is wrong with a file is wrong with the command.
                    let text = try Self.keys(place)
                    do {
                        try await access.replace(jwks: text)
                    } catch {
                        throw UsageError("cannot use the keys in \(place): \(error)")
                    }
                } else {
                    await follower.refresh()
                }
                keys = follower
            }
            jwt = access
        }
        let hasTokens = try await store?.tokens().isEmpty == false
        guard hasTokens || jwt != nil else { return (nil, nil) }
        return (AccessControl(tokens: store, jwt: jwt), keys)
    }

    private static func keys(_ path: String) throws(UsageError) -> String {
        switch FileText.read(path, limit: 1 << 20) {
        case .success(let bytes): return String(decoding: bytes, as: UTF8.self)
        case .failure(let failure): throw UsageError("cannot read \(path): \(failure.message)")
        }
    }
}

/// The part of the session that takes requests.
private struct ListeningService: Service {
    let settings: ServeSettings
    let server: WorkflowServer
    let tls: ServeTLS?
    let log: ServeLog

    func run() async throws {
        let (host, basePath, log) = (settings.host, settings.basePath, log)
        let scheme = tls == nil ? "http" : "https"
        try await server.run(host: host, port: settings.port, tls: tls?.configuration) { port in
            let name = host.contains(":") ? "[\(host)]" : host
            log.info("listening at \(scheme)://\(name):\(port)\(basePath)", ["port": .init(Int64(port))])
        }
    }
}
