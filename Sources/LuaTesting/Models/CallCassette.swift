internal import FlatValue
internal import HostEffects
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The recorded calls of a test and their answers: `cassettes/NAME.json` beside the test file for those of models,
/// `cassettes/NAME.mcp.json` for those of MCP servers.
///
/// ```json
/// [ { "request": { "model", "provider", "operation"?, "messages", "tools"?, … }, "answer": { "text", "tool_calls", "usage", … } } ]
/// ```
///
/// Each answer is given once, to the first call whose request is the same. Keys, headers and environments are not kept. Any
/// thread.
final class CallCassette: Sendable {
    /// What is recorded.
    enum Kind {
        case model
        case mcp

        var ending: String { self == .model ? ".json" : ".mcp.json" }

        /// What of a call has to be the same.
        func key(_ payload: Value) -> Value {
            switch self {
            case .model:
                // How a request is made is not what is asked.
                let left: Set = ["settings", "deltas", "stream", "time_left"]
                return Value(
                    entries: (ScriptedModel.request(payload).entries ?? []).filter { !left.contains($0.key) }
                        .map { ($0, $1) })
            case .mcp: return TestMCP.request(payload)
            }
        }

        func kept(_ answer: Value) -> Value { self == .model ? ScriptedModel.scripted(answer) : answer }
    }

    private static let sizeLimit = 64 << 20

    private let kind: Kind
    private let path: String
    private let name: String
    private let state: Mutex<[Value]>

    /// Reads the recording, or begins a new one.
    ///
    /// - Throws: an answer that says what is wrong with the name or the file.
    init(_ name: String, of kind: Kind, beside testFile: String, records: Bool) throws(CassetteError) {
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isPlain), name.utf8.count <= 100 else {
            throw CassetteError("the name of a cassette has letters, digits, '-' and '_', got '\(name)'")
        }
        self.kind = kind
        self.name = name
        path = "\(FolderPath.of(testFile))cassettes/\(name)\(kind.ending)"
        guard !records else {
            state = Mutex([])
            return
        }
        switch TextFile.read(path, limit: Self.sizeLimit) {
        case .failure(let failure):
            let hint = failure.isMissing ? "; record it: aikit-lua test --record" : ""
            throw CassetteError("cannot read \(path): \(failure.message)\(hint)")
        case .success(let bytes):
            guard let takes = try? Value(json: String(decoding: bytes, as: UTF8.self)).array else {
                throw CassetteError("\(path) is no list of recorded calls")
            }
            state = Mutex(takes)
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The recorded answer to a call, the first that has not been given.
    func next(for payload: Value) -> Result<Value, CassetteError> {
        let key = kind.key(payload)
        return state.withLock { takes -> Result<Value, CassetteError> in
            guard let index = takes.firstIndex(where: { $0["request"] == key }) else {
                let why = takes.isEmpty ? "all of its answers have been given" : "it has no answer to this request"
                return .failure(
                    CassetteError(
                        "cassette '\(name)' does not go on: \(why); record it again: aikit-lua test --record"))
            }
            return .success(takes.remove(at: index)["answer"] ?? .emptyObject)
        }
    }

    /// Keeps a call and its answer in the file; what is wrong with the file, or nil.
    func record(_ payload: Value, _ answer: HostAnswer) -> String? {
        guard answer.ok else { return nil }
        return state.withLock { takes in
            takes.append(["request": kind.key(payload), "answer": kind.kept(answer.value)])
            return TextFile.write(Value(array: takes).prettyJSON + "\n", to: path)
                .map { "cannot write \(path): \($0.message)" }
        }
    }
}

/// What is wrong with a cassette.
struct CassetteError: Error {
    var message: String

    init(_ message: String) { self.message = message }

    var answer: HostAnswer { .failure(code: "cassette", message: message, retryable: false) }
}
