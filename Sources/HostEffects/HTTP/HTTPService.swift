internal import AsyncHTTPClient
internal import FlatValue
internal import NIOCore
internal import NIOHTTP1
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// Carries out requests; its threads begin with the first one.
final class HTTPService: Sendable {
    /// How often a request is sent again because its connection turned out to be closed.
    private static let freshTries = 8

    private let permissions: Permissions
    private let routes: HTTPRoutes
    private let queue: RequestQueue

    init(permissions: Permissions, settings: HTTPSettings) {
        self.permissions = permissions
        routes = HTTPRoutes(settings: settings) { permissions.allowsAddress($0, host: $1, port: $2) }
        queue = RequestQueue(limit: settings.connectionsPerHost)
    }

    /// Makes the request and gives `{ status, headers, body, url, retry_after? }`.
    ///
    /// - Throws: ``HostFailure``; a cancel of the task breaks the connection off.
    func perform(_ call: HTTPCall) async throws -> Value {
        let host = "\(call.url.host):\(call.url.port)"
        do {
            try await queue.enter(host, patience: call.patience)
            defer { queue.leave(host) }
            return try await Self.within(microseconds: call.timeout) { try await self.follow(call) }
        } catch let error as HostFailure {
            throw error
        } catch {
            throw HostFailure(http: error, call: call)
        }
    }

    /// Makes the request and gives the head of its answer, `{ status, headers, body = "", url, retry_after? }`, whose body
    /// the stream gets. The request counts as under way until the stream has ended.
    func open(_ call: HTTPCall, into stream: HTTPStream) async throws -> Value {
        let host = "\(call.url.host):\(call.url.port)"
        do {
            try await queue.enter(host, patience: call.patience)
            stream.onEnd { [queue] in queue.leave(host) }
            let (response, url) = try await Self.within(microseconds: call.timeout) { try await self.answer(to: call) }
            stream.begin(
                response.body, limit: call.sizeLimit,
                tooLarge: Self.tooLarge(url, call.sizeLimit, status: response.status.code))
            let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
            return HTTPAnswer.value(status: response.status.code, response.headers, url: url, body: nothing)
        } catch let error as HostFailure {
            throw error
        } catch {
            throw HostFailure(http: error, call: call)
        }
    }

    /// What a stream has got, waiting for some; nil at its end.
    func read(_ stream: HTTPStream, of call: HTTPCall) async throws -> [UInt8]? {
        do {
            return try await Self.within(microseconds: call.idleTime) { try await stream.read() }
        } catch let error as HostFailure {
            throw error
        } catch let error as HTTPClientError where error == .deadlineExceeded {
            stream.close()
            throw HostFailure(
                "http_timeout", "\(call.url.host) sent nothing for \(HostFailure.seconds(call.idleTime))",
                retryable: true)
        } catch {
            throw HostFailure(http: error, call: call)
        }
    }
    /// Sends a request and gives the beginning of its answer, whose body is still to be read. A redirect is an answer.
    ///
    /// The caller has checked the destination, and bounds the time.
    func open(_ call: HTTPCall) async throws -> HTTPClientResponse { try await send(request(call), to: call.url) }

    /// Sends a request whose answer is of no weight, and gives it up after so many seconds.
    ///
    /// The caller has checked the destination.
    func tell(_ call: HTTPCall, seconds: Int64) async {
        try? await Self.within(microseconds: seconds * 1_000_000) { _ = try await self.open(call) }
    }

    /// Runs the work, and cancels it when the time is over.
    private static func within<Result: Sendable>(
        microseconds: Int64, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await TimeLimit.within(.microseconds(microseconds), else: HTTPClientError.deadlineExceeded, work)
    }

    private func follow(_ call: HTTPCall) async throws -> Value {
        let (response, url) = try await answer(to: call)
        return try await read(response, from: url, limit: call.sizeLimit)
    }

    /// The answer that the redirects lead to, with its body still to come, and where it came from.
    private func answer(to call: HTTPCall) async throws -> (HTTPClientResponse, WebAddress) {
        var request = request(call)
        var url = call.url
        var hops = 0
        while true {
            guard permissions.allowsNet(host: url.host, port: url.port) else {
                let from = hops == 0 ? "" : ", to which \(call.url.host) redirects,"
                throw HostFailure.denied("calling \(url.host)\(from)", flag: "--allow-net=\(url.permission)")
            }
            let response = try await send(request, to: url)
            guard call.redirects > 0, Self.redirects.contains(response.status.code),
                let location = response.headers.first(name: "location")
            else { return (response, url) }
            hops += 1
            if hops > call.redirects {
                throw HostFailure(
                    "too_many_redirects", "\(call.url.shown) redirects more than \(call.redirects) times",
                    retryable: false)
            }
            let next = try url.following(location)
            redirect(&request, status: response.status.code, to: next, from: url)
            // What is secret goes to the host that the script named, whatever the header is called.
            if !next.hasSameOrigin(as: url) { for (name, _) in call.secrets { request.headers.remove(name: name) } }
            url = next
        }
    }

    private static let redirects: Set<UInt> = [301, 302, 303, 307, 308]

    // MARK: Requests

    private func request(_ call: HTTPCall) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: call.url.text)
        request.method = HTTPMethod(rawValue: call.method)
        for (name, value) in call.headers { request.headers.add(name: name, value: value) }
        if !request.headers.contains(name: "user-agent") {
            request.headers.add(name: "user-agent", value: "aikit-lua/\(engineVersion)")
        }
        if !request.headers.contains(name: "accept-encoding") {
            // What packs a stream holds parts of it back.
            request.headers.add(name: "accept-encoding", value: call.isStream ? "identity" : "gzip")
        }
        if let credentials = call.url.credentials, !request.headers.contains(name: "authorization") {
            request.headers.add(name: "authorization", value: credentials)
        }
        if let body = call.body { request.body = .bytes(ByteBuffer(bytes: body)) }
        return request
    }

    /// Sends a request, again when the connection that it got turns out to be closed, as far as that repeats nothing. The body of the
    /// answer comes unpacked.
    private func send(_ request: HTTPClientRequest, to url: WebAddress) async throws -> HTTPClientResponse {
        let route = routes.route(for: url)
        let client = try routes.client(for: route)
        var request = request
        request.url = url.text
        if case .proxied(let text) = route {
            let proxy = try HTTPRoutes.proxyAddress(text)
            request.url = proxy.origin + url.target
            request.headers.replaceOrAdd(name: "host", value: url.authority)
            if let credentials = proxy.credentials {
                request.headers.replaceOrAdd(name: "proxy-authorization", value: credentials)
            }
        }
        // Whatever the system refuses next may end the process.
        guard let claim = DescriptorRoom.Claim(1) else { throw HostFailure.noDescriptors("another connection") }
        defer { claim.lasts() }
        var tries = 0
        while true {
            do {
                var response = try await client.execute(request, deadline: .now() + .hours(24 * 366))
                if let body = UnpackedBody(response) { response.body = .stream(body) }
                return response
            } catch {
                tries += 1
                guard tries < Self.freshTries, Self.mayRepeat(request.method, after: error) else { throw error }
            }
        }
    }

    /// Whether nothing was sent, or a method that may come twice went into a connection that had ended.
    private static func mayRepeat(_ method: HTTPMethod, after error: any Error) -> Bool {
        switch error {
        case OddAnswer.closedBeforeRequest, ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed: true
        case OddAnswer.closedBeforeAnswer: [.GET, .HEAD, .PUT, .DELETE, .OPTIONS, .TRACE].contains(method)
        default: false
        }
    }

    /// Changes a request as browsers do: after most redirects it asks with GET, and another origin learns no secrets.
    private func redirect(_ request: inout HTTPClientRequest, status: UInt, to next: WebAddress, from url: WebAddress) {
        let becomesGet =
            status == 303 ? request.method != .HEAD : (status == 301 || status == 302) && request.method == .POST
        if becomesGet {
            request.method = .GET
            request.body = nil
            for name in ["content-length", "content-type", "content-encoding", "transfer-encoding"] {
                request.headers.remove(name: name)
            }
        }
        if !next.hasSameOrigin(as: url) {
            for name in ["authorization", "cookie", "proxy-authorization", "host"] {
                request.headers.remove(name: name)
            }
        }
        if let credentials = next.credentials {
            request.headers.replaceOrAdd(name: "authorization", value: credentials)
        }
    }

    // MARK: Answers

    /// - Parameter status: that of the answer; it tells a caller that wants nothing else whether the request was taken.
    private static func tooLarge(_ url: WebAddress, _ limit: Int, status: UInt) -> HostFailure {
        HostFailure(
            "too_large", "the answer of \(url.host) is larger than \(limit) bytes; max_size raises the limit",
            retryable: false, details: ["status": Value(Int64(status))])
    }

    private func read(_ response: HTTPClientResponse, from url: WebAddress, limit: Int) async throws -> Value {
        if let length = response.headers.first(name: "content-length").flatMap({ Int($0) }), length > limit, length > 0
        {
            throw Self.tooLarge(url, limit, status: response.status.code)
        }
        var arena = ByteArena()
        defer { arena.deallocate() }
        var share = EffectMemory.Share()
        for try await chunk in response.body {
            if arena.count + chunk.readableBytes > limit {
                throw Self.tooLarge(url, limit, status: response.status.code)
            }
            try share.take(chunk.readableBytes)
            chunk.withUnsafeReadableBytes { arena.append($0) }
        }
        return HTTPAnswer.value(status: response.status.code, response.headers, url: url, body: arena.bytes)
    }
}
