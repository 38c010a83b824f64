internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import WorkflowCore
internal import WorkflowEngine

/// Carries out requests: one client for all, whose threads begin with the first request.
final class HTTPService: Sendable {
    private let permissions: Permissions
    private let client: HTTPClient

    init(permissions: Permissions) {
        self.permissions = permissions
        var configuration = HTTPClient.Configuration()
        // Every hop of a redirect is checked and counted here.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        // A connection that cannot be made is an answer, which the script may retry.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit { client.shutdown { _ in } }

    /// Makes the request and gives `{ status, headers, body, url }`.
    ///
    /// - Throws: ``HostFailure``; a cancel of the task breaks the connection off.
    func perform(_ call: HTTPCall) async throws -> Value {
        let deadline = NIODeadline.now() + .microseconds(call.timeout)
        do {
            return try await follow(call, deadline: deadline)
        } catch let error as HostFailure {
            throw error
        } catch {
            throw HostFailure(http: error, call: call)
        }
    }

    private func follow(_ call: HTTPCall, deadline: NIODeadline) async throws -> Value {
        var request = request(call)
        var url = call.url
        var hops = 0
        while true {
            guard permissions.allowsNet(host: url.host, port: url.port) else {
                let from = hops == 0 ? "" : ", to which \(call.url.host) redirects,"
                throw HostFailure.denied("calling \(url.host)\(from)", flag: "--allow-net=\(url.permission)")
            }
            request.url = url.text
            let response = try await client.execute(request, deadline: deadline)
            guard call.redirects > 0, Self.redirects.contains(response.status.code),
                let location = response.headers.first(name: "location")
            else { return try await read(response, from: url, limit: call.sizeLimit, deadline: deadline) }
            hops += 1
            if hops > call.redirects {
                throw HostFailure(
                    "too_many_redirects", "\(call.url.text) redirects more than \(call.redirects) times",
                    retryable: false)
            }
            let next = try url.following(location)
            redirect(&request, status: response.status.code, to: next, from: url)
            url = next
        }
    }

    private static let redirects: Set<UInt> = [301, 302, 303, 307, 308]

    private func request(_ call: HTTPCall) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: call.url.text)
        request.method = HTTPMethod(rawValue: call.method)
        for (name, value) in call.headers { request.headers.add(name: name, value: value) }
        if !request.headers.contains(name: "user-agent") {
            request.headers.add(name: "user-agent", value: "aikit-lua/\(engineVersion)")
        }
        if let body = call.body { request.body = .bytes(ByteBuffer(bytes: body)) }
        return request
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
        guard !next.hasSameOrigin(as: url) else { return }
        for name in ["authorization", "cookie", "proxy-authorization", "host"] { request.headers.remove(name: name) }
    }

    private func read(
        _ response: HTTPClientResponse, from url: WebAddress, limit: Int, deadline: NIODeadline
    ) async throws -> Value {
        func tooLarge() -> HostFailure {
            HostFailure(
                "too_large", "the answer of \(url.host) is larger than \(limit) bytes; max_size raises the limit",
                retryable: false)
        }
        if let length = response.headers.first(name: "content-length").flatMap({ Int($0) }), length > limit, length > 0
        {
            throw tooLarge()
        }
        var arena = ByteArena()
        defer { arena.deallocate() }
        for try await chunk in response.body {
            if arena.count + chunk.readableBytes > limit { throw tooLarge() }
            chunk.withUnsafeReadableBytes { arena.append($0) }
            if NIODeadline.now() > deadline { throw HTTPClientError.deadlineExceeded }
        }
        return Self.value(response, url: url, body: arena.bytes)
    }

    /// Header names come in lower case; one that comes several times has its values joined.
    private static func value(_ response: HTTPClientResponse, url: WebAddress, body: UnsafeRawBufferPointer) -> Value {
        var names: [String] = []
        var values: [String: String] = [:]
        for (name, value) in response.headers {
            let name = name.lowercased()
            if let earlier = values[name] {
                values[name] = earlier + ", " + value
            } else {
                names.append(name)
                values[name] = value
            }
        }
        return Value { arena in
            let object = arena.beginObject()
            arena.writeKey("status")
            arena.write(Int64(response.status.code))
            arena.writeKey("headers")
            let headers = arena.beginObject()
            for name in names {
                arena.writeKey(name)
                arena.write(values[name] ?? "")
            }
            arena.end(headers, count: names.count)
            arena.writeKey("url")
            arena.write(url.text)
            arena.writeKey("body")
            arena.writeString(body)
            arena.end(object, count: 4)
        }
    }
}
