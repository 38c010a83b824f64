internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// A session with a server of the Model Context Protocol. Any thread.
final class MCPClient: Sendable {
    /// The versions that are spoken; the first is asked for.
    private static let versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
    private static let pageLimit = 100
    /// The most tools that are taken of a server, and the most bytes that they may have together, as values.
    private static let toolLimit = 1000
    private static let toolSizeLimit = 16 << 20

    private let transport: any MCPTransport
    private let name: String
    private let lastID = Atomic<Int64>(0)

    private init(_ transport: any MCPTransport, _ name: String) {
        self.transport = transport
        self.name = name
    }

    /// Begins a session.
    static func begin(_ transport: any MCPTransport, _ name: String) async throws -> MCPClient {
        let client = MCPClient(transport, name)
        do {
            let result = try await client.request(
                "initialize",
                [
                    "protocolVersion": Value(versions[0]), "capabilities": .emptyObject,
                    "clientInfo": ["name": "aikit-lua", "version": "1"],
                ])
            guard let version = result["protocolVersion"]?.string, versions.contains(version) else {
                let version = result["protocolVersion"]?.string?.prefix(40) ?? "none"
                throw HostFailure(
                    "mcp_version", "the MCP server \(name) speaks the version \(version) of the protocol",
                    retryable: false)
            }
            transport.agreed(on: version)
            try await transport.notify(["jsonrpc": "2.0", "method": "notifications/initialized"])
            return client
        } catch {
            transport.close()
            throw error
        }
    }

    var isUsable: Bool { transport.isUsable }

    func close() { transport.close() }

    /// The server's tools: `{ name, title?, description?, input_schema, output_schema? }` each.
    func tools() async throws -> Value {
        var tools: [Value] = []
        var cursor: Value?
        var size = 0
        var share = EffectMemory.Share()
        for _ in 0..<Self.pageLimit {
            let page = try await request("tools/list", cursor.map { ["cursor": $0] } ?? .emptyObject)
            guard let listed = page["tools"]?.array else { throw HostFailure.mcpLost(name, "gave no list of tools") }
            for tool in listed {
                guard let name = tool["name"]?.string, !name.isEmpty, name.utf8.count <= 200 else { continue }
                let schema = tool["inputSchema"].flatMap { $0.entries == nil ? Value?.none : $0 }
                var entries: [(String, Value)] = [
                    ("name", Value(name)), ("input_schema", schema ?? ["type": "object"]),
                ]
                for key in ["title", "description"] {
                    if let text = tool[key], text.string != nil { entries.append((key, text)) }
                }
                if let result = tool["outputSchema"], result.entries != nil {
                    entries.append(("output_schema", result))
                }
                let described = Value(entries: entries)
                let bytes = described.withCursor(\.byteCount)
                size += bytes
                guard size <= Self.toolSizeLimit else {
                    throw HostFailure(
                        "mcp_too_many",
                        "the tools of the MCP server \(self.name) are larger than \(Self.toolSizeLimit >> 20) MiB together",
                        retryable: false)
                }
                // Once in the list of parts and once in the whole.
                try share.take(bytes, copies: 2)
                tools.append(described)
            }
            if tools.count > Self.toolLimit {
                throw HostFailure(
                    "mcp_too_many", "the MCP server \(name) has more than \(Self.toolLimit) tools", retryable: false)
            }
            cursor = page["nextCursor"].flatMap { $0.isNull ? Value?.none : $0 }
            if cursor == nil { return Value(array: tools) }
        }
        throw HostFailure("mcp_too_many", "the MCP server \(name) lists its tools without an end", retryable: false)
    }

    /// Calls a tool: `{ content, structuredContent?, isError? }`.
    func call(_ tool: String, _ arguments: Value) async throws -> Value {
        let result = try await request("tools/call", ["name": Value(tool), "arguments": arguments])
        guard result.entries != nil else { throw HostFailure.mcpLost(name, "gave no result") }
        return result
    }

    private func request(_ method: String, _ params: Value) async throws -> Value {
        let id = lastID.add(1, ordering: .relaxed).newValue
        let answer = try await transport.exchange(
            ["jsonrpc": "2.0", "id": Value(id), "method": Value(method), "params": params], id: id)
        if let error = answer["error"], !error.isNull {
            let message = error["message"]?.string ?? "error"
            throw HostFailure(
                "mcp_error", "the MCP server \(name) refuses \(method): \(message.prefix(2000))", retryable: false,
                details: ["code": error["code"] ?? .null])
        }
        return answer["result"] ?? .null
    }
}
