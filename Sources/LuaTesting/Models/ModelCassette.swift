internal import HostEffects
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The recorded calls of models of a test, and their answers: `cassettes/NAME.json` beside the test file.
///
/// ```json
/// [ { "request": { "model", "provider", "operation"?, "messages", "tools"?, … }, "answer": { "text", "tool_calls", "usage", … } } ]
/// ```
///
/// Each answer is given once, to the first call whose request is the same. Keys of models are not kept. Any thread.
final class ModelCassette: Sendable {
    private static let sizeLimit = 64 << 20
    /// What says how a request is made and not what is asked.
    private static let left: Set<String> = ["settings", "deltas", "stream", "time_left"]

    private let path: String
    private let name: String
    private let state: Mutex<[Value]>

    /// Reads the recording, or begins a new one.
    ///
    /// - Throws: an answer that says what is wrong with the name or the file.
    init(_ name: String, beside testFile: String, records: Bool) throws(ModelCassetteError) {
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isPlain), name.utf8.count <= 100 else {
            throw ModelCassetteError("the name of a cassette has letters, digits, '-' and '_', got '\(name)'")
        }
        self.name = name
        path = "\(FolderPath.of(testFile))cassettes/\(name).json"
        guard !records else {
            state = Mutex([])
            return
        }
        switch TextFile.read(path, limit: Self.sizeLimit) {
        case .failure(let failure):
            let hint = failure.isMissing ? "; record it: aikit-lua test --record" : ""
            throw ModelCassetteError("cannot read \(path): \(failure.message)\(hint)")
        case .success(let bytes):
            guard let takes = try? Value(json: String(decoding: bytes, as: UTF8.self)).array else {
                throw ModelCassetteError("\(path) is no list of recorded calls")
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

    /// What of a call has to be the same.
    private static func key(_ payload: Value) -> Value {
        Value(
            entries: (ScriptedModel.request(payload).entries ?? []).filter { !left.contains($0.key) }.map { ($0, $1) })
    }

    /// The recorded answer to a call, the first that has not been given.
    func next(for payload: Value) -> Result<Value, ModelCassetteError> {
        let key = Self.key(payload)
        return state.withLock { takes -> Result<Value, ModelCassetteError> in
            guard let index = takes.firstIndex(where: { $0["request"] == key }) else {
                let why = takes.isEmpty ? "all of its answers have been given" : "it has no answer to this request"
                return .failure(
                    ModelCassetteError(
                        "cassette '\(name)' does not go on: \(why); record it again: aikit-lua test --record"))
            }
            return .success(takes.remove(at: index)["answer"] ?? .emptyObject)
        }
    }

    /// Keeps a call and its answer in the file; what is wrong with the file, or nil.
    func record(_ payload: Value, _ answer: HostAnswer) -> String? {
        guard answer.ok else { return nil }
        return state.withLock { takes in
            takes.append(["request": Self.key(payload), "answer": ScriptedModel.scripted(answer.value)])
            return TextFile.write(Value(array: takes).prettyJSON + "\n", to: path)
                .map { "cannot write \(path): \($0.message)" }
        }
    }
}

/// What is wrong with a cassette.
struct ModelCassetteError: Error {
    var message: String

    init(_ message: String) { self.message = message }

    var answer: HostAnswer { .failure(code: "cassette", message: message, retryable: false) }
}
