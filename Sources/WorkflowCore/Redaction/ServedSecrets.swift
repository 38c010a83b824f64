internal import FlatValue

/// What servers of tools call secret in the arguments of their tools and in what these give, as the turns of agents have it.
struct ServedSecrets: Sendable {
    private(set) var arguments: [SecretArguments] = []
    private var results: [SecretArguments] = []
    /// The tools that are called now, by the frames that call them.
    private var calls: [Int32: String] = [:]
    /// What has been read: an agent in a foreach finds the same tools for each item.
    private var known: [Value] = []

    /// Adds the tools that an agent was offered: `{ name, schema, result_schema? }` each.
    mutating func add(_ tools: Value) {
        for tool in tools.array ?? [] {
            guard let name = tool["name"]?.string, tool.json.contains("writeOnly"), !known.contains(tool) else {
                continue
            }
            known.append(tool)
            if let secrets = tool["schema"].flatMap({ SecretArguments(tool: name, $0) }) { arguments.append(secrets) }
            if let secrets = tool["result_schema"].flatMap({ SecretArguments(tool: name, $0) }) {
                results.append(secrets)
            }
        }
    }

    /// The call of a tool begins: `{ name, remote?, … }`.
    mutating func begin(_ call: Value, in frame: Int32) {
        calls[frame] = call["remote"] == nil ? nil : call["name"]?.string
    }

    /// What is secret in what the tool gave that a frame has called.
    func secrets(inResult result: Value, of frame: Int32) -> [Value] {
        guard let name = calls[frame] else { return [] }
        return results.filter { $0.tool == name }.flatMap { $0.secrets(in: result) }
    }
}
