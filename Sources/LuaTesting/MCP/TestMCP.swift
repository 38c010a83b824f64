internal import FlatValue
internal import HostEffects
internal import WorkflowCore
internal import WorkflowEngine

/// Servers of the Model Context Protocol as the steps under test see them: what the test says, or what was recorded. A server
/// of which the test says nothing is really asked, as far as the permissions of the test allow it.
///
/// It belongs to the worker's thread.
final class TestMCP {
    private let path: String
    private let records: Bool
    private var source: Source?
    private var made: [Value] = []

    private enum Source {
        case cassette(CallCassette)
        /// `{ name, description?, input_schema, slot }` each.
        case tools([Value])
    }

    /// - Parameters:
    ///   - path: the test file.
    ///   - records: whether servers with a cassette are really asked, and their answers kept.
    init(path: String, records: Bool) {
        self.path = path
        self.records = records
    }

    func beginTest() {
        source = nil
        made = []
    }

    /// Takes `{ cassette }` or `{ tools }`, in place of what was said before.
    func script(_ given: Value) -> HostAnswer {
        made = []
        do throws(CassetteError) {
            if let name = given["cassette"]?.string {
                source = .cassette(try CallCassette(name, of: .mcp, beside: path, records: records))
            } else {
                source = .tools(given["tools"]?.array ?? [])
            }
            return .success(.null)
        } catch {
            return error.answer
        }
    }

    /// The calls of this test: `{ server, operation, name?, arguments? }`.
    var requests: Value { Value(array: made) }

    /// What a test sees of a call, and what of it has to be the same as in a recording.
    static func request(_ payload: Value) -> Value {
        let server = payload["server"]
        var entries: [(String, Value)] = [
            ("server", server?["url"] ?? server?["command"] ?? .null), ("operation", payload["operation"] ?? .null),
        ]
        for key in ["name", "arguments"] {
            if let value = payload[key], !value.isNull { entries.append((key, value)) }
        }
        return Value(entries: entries)
    }

    /// - Parameters:
    ///   - base: asks the server.
    ///   - call: calls a function of the test with the arguments of a tool.
    func begin(
        _ payload: Value, call: (Int64, Value) -> HostAnswer?,
        base: (@escaping @Sendable (HostAnswer) -> Void) ->
            (any HostOperation)?, answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        made.append(Self.request(payload))
        switch source {
        case nil: return base(answer)
        case .cassette(let cassette):
            if records {
                return base { reply in
                    let problem = cassette.record(payload, reply)
                    answer(problem.map { CassetteError($0).answer } ?? reply)
                }
            }
            switch cassette.next(for: payload) {
            case .success(let recorded): answer(.success(recorded))
            case .failure(let error): answer(error.answer)
            }
        case .tools(let tools): answer(Self.answer(payload, tools, call))
        }
        return nil
    }

    private static func answer(
        _ payload: Value, _ tools: [Value], _ call: (Int64, Value) -> HostAnswer?
    ) -> HostAnswer {
        guard payload["operation"] == "call" else {
            return .success(
                Value(
                    array: tools.map { tool in
                        Value(entries: (tool.entries ?? []).filter { $0.key != "slot" }.map { ($0.key, $0.value) })
                    }))
        }
        let name = payload["name"]?.string ?? ""
        guard let slot = tools.first(where: { $0["name"]?.string == name })?["slot"]?.int else {
            let known = tools.compactMap { $0["name"]?.string }.joined(separator: ", ")
            return .failure(
                code: "unexpected_call", message: "test.mcp has no tool '\(name)'; it has \(known)", retryable: false)
        }
        guard let result = call(slot, payload["arguments"] ?? .emptyObject) else {
            return .failure(code: "over", message: "the test is over")
        }
        guard result.ok else {
            let text = result.value["message"]?.string ?? "the tool failed"
            return .success(["content": [["type": "text", "text": Value(text)]], "isError": true])
        }
        if let text = result.value.string { return .success(["content": [["type": "text", "text": Value(text)]]]) }
        var entries: [(String, Value)] = [("content", [["type": "text", "text": Value(result.value.json)]])]
        if result.value.entries != nil { entries.append(("structuredContent", result.value)) }
        return .success(Value(entries: entries))
    }
}
