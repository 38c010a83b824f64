internal import FlatValue
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

extension HostEffectsService {
    private static let usualTimeout: Int64 = 60_000_000

    /// Asks a server of the Model Context Protocol: `{ server, operation = "tools" | "call", name?, arguments?, timeout? }`.
    func beginMCP(
        _ payload: Value, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        do throws(HostFailure) {
            let server = payload["server"] ?? .null
            let settings = try MCPServerSettings(server, self)
            var timeout = Self.usualTimeout
            if let given = payload["timeout"], !given.isNull {
                guard let duration = DurationText.microseconds(given), duration > 0 else {
                    throw .invalid("timeout takes seconds or a text like \"5s\", got \(given.json)")
                }
                timeout = min(duration, HTTPCall.longestTimeout)
            }
            let (clients, service) = (clients, self)
            let work: @Sendable () async throws -> Value = { [timeout] in
                try await clients.use(server.json) {
                    // The session is others' as well, so it is not given up with the call.
                    try await Self.within(timeout, settings.name) {
                        let transport: any MCPTransport =
                            switch settings {
                            case .program(let call): try MCPProcess(call)
                            case .http(let call): MCPHTTPTransport(call, service.service())
                            }
                        return try await MCPClient.begin(transport, settings.name)
                    }
                } _: { client in
                    guard payload["operation"]?.string == "call" else { return try await client.tools() }
                    return try await client.call(payload["name"]?.string ?? "", payload["arguments"] ?? .emptyObject)
                }
            }
            return TaskOperation(on: .exchanges, answer: answer) { [timeout] in
                try await Self.within(timeout, settings.name) {
                    do {
                        return try await work()
                    } catch let failure as HostFailure where Self.isForgotten(failure) {
                        return try await work()
                    }
                }
            }
        } catch {
            answer(error.answer)
            return nil
        }
    }

    /// Whether the server has only forgotten the session, so that nothing was done.
    private static func isForgotten(_ failure: HostFailure) -> Bool {
        failure.code == "mcp_http" && failure.details?["status"] == 404 && failure.retryable == true
    }

    private static func within<Result: Sendable>(
        _ timeout: Int64, _ server: String, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let late = HostFailure(
            "mcp_timeout", "the MCP server \(server) did not answer within \(HostFailure.seconds(timeout))",
            retryable: true)
        return try await TimeLimit.within(.microseconds(timeout), else: late, work)
    }
}
