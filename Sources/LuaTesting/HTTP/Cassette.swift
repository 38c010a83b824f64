internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The recorded requests and answers of one test file: `cassettes/NAME.json` beside it.
///
/// ```json
/// { "weather › warns of storms": [ { "request": { "method", "url", "body"? }, "response": { "status", "headers", "body" } } ] }
/// ```
///
/// A body that is not UTF-8 is kept as `body_base64`. Headers of requests are not kept, nor are cookies of answers, for they hold secrets. Each recorded answer is given once,
/// in the order of the recording; a test that is recorded again loses what it had.
final class Cassette: Sendable {
    private static let sizeLimit = 64 << 20
    /// Headers of answers that are not kept: secrets, and what differs from call to call.
    private static let dropped: Set<String> = ["set-cookie", "date"]

    private let path: String
    private let state: Mutex<State>

    private struct State {
        /// By title; nil before the file has been read.
        var tests: [(title: String, takes: [Value])]?
        /// What the test that runs has not used yet.
        var left: [Value] = []
        var hasChanged = false
        var complaint: String?
    }

    init(testFile: String) {
        let folder = FolderPath.of(testFile)
        let name = testFile.dropFirst(folder.count)
        path = "\(folder)cassettes/\(name.hasSuffix(".lua") ? name.dropLast(4) : name).json"
        state = Mutex(State())
    }

    func beginTest(_ title: String, records: Bool) {
        state.withLock { state in
            let tests = state.tests ?? read(&state)
            state.left = tests.first { $0.title == title }?.takes ?? []
            state.tests = records ? tests.filter { $0.title != title } : tests
            if records, !state.left.isEmpty { state.hasChanged = true }
        }
    }

    private func read(_ state: inout State) -> [(title: String, takes: [Value])] {
        switch TextFile.read(path, limit: Self.sizeLimit) {
        case .failure(let failure):
            if !failure.isMissing { state.complaint = "cannot read \(path): \(failure.message)" }
        case .success(let bytes):
            do throws(JSONError) {
                let value = try Value(json: String(decoding: bytes, as: UTF8.self))
                return (value.entries ?? []).map { ($0.key, $0.value.array ?? []) }
            } catch {
                state.complaint = "\(path) is not JSON: \(error.description)"
            }
        }
        return []
    }

    /// The recorded answer to a request, the first that has not been given.
    func next(for request: TestRequest) -> Value? {
        state.withLock { state in
            let index = state.left.firstIndex { take in
                let recorded = take["request"]
                return recorded?["method"]?.string == request.method && recorded?["url"]?.string == request.url
                    && recorded.flatMap(Self.body) == request.body
            }
            guard let index else { return nil }
            let response = state.left.remove(at: index)["response"] ?? .null
            return [
                "status": response["status"] ?? 200, "headers": response["headers"] ?? .emptyObject,
                "body": Self.body(response) ?? "", "url": response["url"] ?? Value(request.url),
            ]
        }
    }

    /// The field in which a body of any bytes is kept.
    private static func field(_ body: Value) -> (String, Value) {
        body.withCursor { cursor in
            guard let bytes = cursor.stringBytes, String(validating: bytes, as: UTF8.self) == nil else {
                return ("body", body)
            }
            return ("body_base64", Value(BytesText.base64(bytes)))
        }
    }

    /// The body that is kept in a request or an answer, nil when there is none.
    private static func body(_ kept: Value) -> Value? {
        guard let text = kept["body_base64"]?.string, let bytes = BytesText.bytes(base64: text.utf8) else {
            return kept["body"]
        }
        return Value { arena in bytes.withUnsafeBytes { arena.writeString($0) } }
    }

    /// Keeps what came back; may be called from any thread.
    func record(_ request: TestRequest, _ answer: HostAnswer, of title: String) {
        guard answer.ok else { return }
        var asked: [(String, Value)] = [("method", Value(request.method)), ("url", Value(request.url))]
        if let body = request.body { asked.append(Self.field(body)) }
        let headers = (answer.value["headers"]?.entries ?? []).filter { !Self.dropped.contains($0.key) }
        let response: [(String, Value)] = [
            ("status", answer.value["status"] ?? 200), ("headers", Value(entries: headers.map { ($0.key, $0.value) })),
            Self.field(answer.value["body"] ?? ""), ("url", answer.value["url"] ?? Value(request.url)),
        ]
        let take: Value = ["request": Value(entries: asked), "response": Value(entries: response)]
        state.withLock { state in
            var tests = state.tests ?? []
            if let index = tests.firstIndex(where: { $0.title == title }) {
                tests[index].takes.append(take)
            } else {
                tests.append((title, [take]))
            }
            state.tests = tests
            state.hasChanged = true
        }
    }

    /// Writes what was recorded; what is wrong with the file, or nil.
    func save() -> String? {
        state.withLock { state in
            if let complaint = state.complaint { return complaint }
            guard state.hasChanged, let tests = state.tests else { return nil }
            let value = Value(entries: tests.map { ($0.title, Value(array: $0.takes)) })
            return TextFile.write(value.prettyJSON + "\n", to: path).map { "cannot write \(path): \($0.message)" }
        }
    }
}
