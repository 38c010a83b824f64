internal import FlatValue
internal import WorkflowCore

/// A way to a server of the Model Context Protocol. Any thread.
protocol MCPTransport: Sendable {
    /// The largest message that is taken, in bytes.
    static var sizeLimit: Int { get }

    /// Sends a request and gives its answer, `{ result }` or `{ error }`; a cancel of the task gives the request up.
    func exchange(_ message: Value, id: Int64) async throws -> Value
    func notify(_ message: Value) async throws
    /// Says which version of the protocol was agreed upon.
    func agreed(on version: String)
    /// Whether another request may be answered.
    var isUsable: Bool { get }
    /// Ends the connection, and whatever was begun for it.
    func close()
}

extension MCPTransport {
    static var sizeLimit: Int { 16 << 20 }
    /// How often a message is held while it is read: its bytes, its text, and its value, in which a number of one digit takes nine bytes.
    static var copies: Int { 7 }
}

/// What servers ask of this side: nothing of it is offered.
enum MCPServerRequest {
    /// The answer to a message that is a request; nil for every other message.
    static func answer(to message: Value) -> Value? {
        guard let method = message["method"]?.string, let id = message["id"], !id.isNull else { return Value?.none }
        if method == "ping" { return ["jsonrpc": "2.0", "id": id, "result": .emptyObject] }
        return [
            "jsonrpc": "2.0", "id": id,
            "error": ["code": -32601, "message": Value("There is no method '\(method.prefix(100))'")],
        ]
    }
}

extension HostFailure {
    /// The server went away, or says what is no message.
    static func mcpLost(_ server: String, _ why: String) -> HostFailure {
        HostFailure("mcp_lost", "the MCP server \(server) \(why)", retryable: true)
    }
}
