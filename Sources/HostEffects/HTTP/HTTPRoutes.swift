internal import AsyncHTTPClient
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// The clients of a process: one for each way to a server, made when it is first taken.
final class HTTPRoutes: Sendable {
    /// How a request gets to its server.
    enum Route: Hashable, Sendable {
        case direct
        /// An `http` proxy is asked for the whole URL.
        case proxied(String)
        /// A proxy opens a tunnel, through which TLS goes.
        case tunnel(String)
    }

    private let settings: HTTPSettings
    private let clients = Mutex<[Route: HTTPClient]>([:])

    private let allows: ResponseGuard.AddressCheck

    /// - Parameter allows: whether a request for a host may go to an address.
    init(settings: HTTPSettings, allows: @escaping ResponseGuard.AddressCheck) {
        self.settings = settings
        self.allows = allows
    }

    deinit {
        for client in clients.withLock({ $0.values }) { client.shutdown { _ in } }
    }

    func route(for url: WebAddress) -> Route {
        guard let proxy = settings.proxy(for: url) else { return .direct }
        return url.scheme == "https" ? .tunnel(proxy) : .proxied(proxy)
    }

    /// The address of a proxy; `proxy:3128` alone is an `http` one.
    static func proxyAddress(_ text: String) throws(HostFailure) -> WebAddress {
        do {
            return try WebAddress(text.contains("://") ? text : "http://" + text)
        } catch {
            throw HostFailure("proxy", "the proxy that the environment names: \(error.message)", retryable: false)
        }
    }

    /// - Throws: what is wrong with the settings: the proxy, the file of authorities.
    func client(for route: Route) throws(HostFailure) -> HTTPClient {
        if let client = clients.withLock({ $0[route] }) { return client }
        let made = HTTPClient(eventLoopGroupProvider: .singleton, configuration: try configuration(route))
        let kept = clients.withLock { clients in
            if let other = clients[route] { return other }
            clients[route] = made
            return made
        }
        if kept !== made { made.shutdown { _ in } }
        return kept
    }

    private func configuration(_ route: Route) throws(HostFailure) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        // Every hop of a redirect is checked and counted by the service.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        // A connection that cannot be made is an answer, which the script may retry.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, settings.connectionsPerHost)
        configuration.httpVersion = .http1Only
        var form = ResponseGuard.TargetForm.origin
        var check: ResponseGuard.AddressCheck?
        switch route {
        case .direct: check = allows
        case .proxied: form = .absolute
        case .tunnel(let text):
            let proxy = try Self.proxyAddress(text)
            let authorization = proxy.credentials.map { value in
                HTTPClient.Authorization.basic(credentials: String(value.dropFirst("Basic ".count)))
            }
            configuration.proxy = .server(host: proxy.host, port: proxy.port, authorization: authorization)
        }
        configuration.http1_1ConnectionDebugInitializer = { [form, check] in
            ResponseGuard.install(in: $0, form: form, allows: check)
        }
        configuration.tlsConfiguration = try tls()
        return configuration
    }

    /// Nil where it is the system's.
    private func tls() throws(HostFailure) -> TLSConfiguration? {
        if settings.authorities == nil, settings.identity == nil { return nil }
        var tls = TLSConfiguration.makeClientConfiguration()
        if let path = settings.authorities {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            } catch {
                throw HostFailure(
                    "tls", "\(settings.authoritiesName) names '\(path)', which cannot be read as certificates (PEM)",
                    retryable: false)
            }
        }
        if let identity = settings.identity {
            do {
                tls.certificateChain = try NIOSSLCertificate.fromPEMFile(identity.certificate).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: identity.key, format: .pem))
            } catch {
                throw HostFailure(
                    "tls",
                    "'\(identity.certificate)' and '\(identity.key)' cannot be read as a certificate and its key (PEM)",
                    retryable: false)
            }
        }
        return tls
    }
}
