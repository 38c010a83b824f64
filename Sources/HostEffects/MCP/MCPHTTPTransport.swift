internal import AsyncHTTPClient
internal import FlatValue
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization
internal import WorkflowCore

/// A server that is reached by streamable HTTP: one message a request, whose answer is JSON or a stream of messages.
final class MCPHTTPTransport: MCPTransport {
    /// How long a server may take to answer that a session is over.
    private static let farewellSeconds: Int64 = 5

    private let call: HTTPCall
    private let http: HTTPService
    private let state = Mutex(State())

    private struct State {
        var session: String?
        var version: String?
        var isUsable = true
    }

    /// - Parameter call: the address and the headers of each request, which have been allowed.
    init(_ call: HTTPCall, _ http: HTTPService) {
        self.call = call
        self.http = http
    }

    var isUsable: Bool { state.withLock { $0.isUsable } }

    func agreed(on version: String) { state.withLock { $0.version = version } }

    func close() {
        let session = state.withLock { state in
            state.isUsable = false
            return state.session.take()
        }
        guard session != nil else { return }
        // The server may keep nothing of it; whether it hears of that is of no weight here.
        let request = request("DELETE", Value?.none, session)
        Task { [http] in await http.tell(request, seconds: Self.farewellSeconds) }
    }

    func notify(_ message: Value) async throws {
        let response = try await send(message)
        for try await _ in response.body { break }
    }

    func exchange(_ message: Value, id: Int64) async throws -> Value {
        let response = try await send(message)
        if let session = response.headers.first(name: "mcp-session-id"), session.utf8.count <= 1000 {
            state.withLock { $0.session = session }
        }
        let isStream = response.headers.first(name: "content-type")?.contains("text/event-stream") ?? false
        var (size, bytes, events) = (0, [UInt8](), EventStreamReader())
        var share = EffectMemory.Share()
        for try await chunk in response.body {
            size += chunk.readableBytes
            guard size <= Self.sizeLimit else {
                throw HostFailure(
                    "too_large", "the MCP server \(call.url.host) sent more than \(Self.sizeLimit) bytes",
                    retryable: false)
            }
            try share.take(chunk.readableBytes, copies: Self.copies)
            guard isStream else {
                bytes += chunk.readableBytesView
                continue
            }
            for event in try events.take(chunk.readableBytesView) where !event.isEmpty {
                guard let message = try? Value(json: event) else {
                    throw HostFailure.mcpLost(call.url.host, "sent a message that cannot be read")
                }
                if message["id"]?.int == id, message["method"] == nil { return message }
                if let answer = MCPServerRequest.answer(to: message) { try await notify(answer) }
            }
        }
        guard !isStream else { throw HostFailure.mcpLost(call.url.host, "ended its stream without an answer") }
        guard let answer = try? Value(json: String(decoding: bytes, as: UTF8.self)), answer["id"]?.int == id else {
            throw HostFailure.mcpLost(call.url.host, "gave an answer that is no message")
        }
        return answer
    }

    private func send(_ message: Value) async throws -> HTTPClientResponse {
        let session = state.withLock { $0.session }
        let response: HTTPClientResponse
        let request = request("POST", message, session)
        do {
            response = try await http.open(request)
        } catch let error as HostFailure {
            throw error
        } catch {
            throw HostFailure(http: error, call: request)
        }
        let status = Int(response.status.code)
        if (200..<300).contains(status) { return response }
        var body: [UInt8] = []
        for try await chunk in response.body {
            body += chunk.readableBytesView.prefix(2000)
            if body.count >= 2000 { break }
        }
        // The server has forgotten the session, so the call did nothing and may be made again in a new one.
        let isGone = status == 404 && session != nil
        if isGone { state.withLock { $0.isUsable = false } }
        throw HostFailure(
            "mcp_http",
            "the MCP server \(call.url.host) answers HTTP \(status): \(String(decoding: body.prefix(2000), as: UTF8.self))",
            retryable: isGone || HostFailure.isTransient(status), details: ["status": Value(Int64(status))])
    }

    private func request(_ method: String, _ message: Value?, _ session: String?) -> HTTPCall {
        var request = call
        request.method = method
        let own = Set(call.headers.map { $0.name.lowercased() })
        var headers = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")]
        if let session { headers.append(("mcp-session-id", session)) }
        if let version = state.withLock({ $0.version }) { headers.append(("mcp-protocol-version", version)) }
        request.headers += headers.filter { !own.contains($0.0) }.map { (name: $0.0, value: $0.1) }
        request.body = message.map { Array($0.json.utf8) }
        return request
    }
}
