internal import FlatValue
internal import HostEffects
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// HTTP as the steps under test see it: stubs of the test first, then what was recorded; nothing else is answered.
///
/// While recording, a request that no stub answers goes out, and what comes back is kept in the cassette. It belongs to the
/// worker's thread.
final class TestHTTP {
    private let cassette: Cassette
    private let base: any HostGateway
    private let records: Bool
    private var title = ""
    private var stubs: [HTTPStub] = []
    private var made: [Value] = []
    private let streams = TestStreams()

    init(cassette: Cassette, base: any HostGateway, records: Bool) {
        self.cassette = cassette
        self.base = base
        self.records = records
    }

    func beginTest(_ title: String) {
        self.title = title
        stubs = []
        made = []
        cassette.beginTest(title, records: records)
    }

    /// Takes a list of stubs; of two that fit equally well the later one counts.
    func stub(_ list: Value) { stubs += (list.array ?? []).map { HTTPStub($0) } }

    /// The requests of this test: `{ method, url, headers, body? }`.
    var requests: Value { Value(array: made) }

    /// - Parameter call: calls a function of the test with a request.
    func begin(
        _ request: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void,
        call: (Int64, Value) -> HostAnswer?
    ) -> (any HostOperation)? {
        let made = TestRequest(request.payload)
        self.made.append(made.value)
        if let given = stubbed(made, call) {
            answer(given)
        } else if records {
            let title = title
            return base.begin(request) { [cassette] reply in
                cassette.record(made, reply, of: title)
                answer(reply)
            }
        } else if let recorded = cassette.next(for: made) {
            answer(.success(recorded))
        } else {
            answer(unexpected(made))
        }
        return nil
    }

    /// Begins a request whose answer is read in parts: all of the body comes as one of them.
    func open(
        _ request: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void,
        call: (Int64, Value) -> HostAnswer?
    ) -> (any HostOperation)? {
        var whole = request
        whole.operation = "http"
        return begin(
            whole, answer: { [streams] in answer($0.ok ? .success(streams.add($0.value)) : $0) },
            call: call)
    }

    /// What comes next of a stream: `{ data }` or `{ done }`.
    func read(_ stream: Int64) -> Value { streams.take(stream) }

    private func stubbed(_ request: TestRequest, _ call: (Int64, Value) -> HostAnswer?) -> HostAnswer? {
        var best: (index: Int, fit: Int)?
        for (index, stub) in stubs.enumerated() {
            if let fit = stub.fit(method: request.method, url: request.url), fit >= best?.fit ?? 0 {
                best = (index, fit)
            }
        }
        guard let index = best?.index else { return nil }
        switch stubs[index].answers {
        case .always(let answer): return reply(answer, to: request)
        case .function(let slot):
            guard let result = call(slot, request.value) else { return nil }
            return result.ok ? reply(result.value, to: request) : result
        case .inOrder(var list):
            guard !list.isEmpty else {
                return .failure(
                    code: "unexpected_request",
                    message:
                        "all answers of test.http to '\(stubs[index].key)' have been given; this is one more request",
                    retryable: false)
            }
            let answer = list.removeFirst()
            stubs[index].answers = .inOrder(list)
            return reply(answer, to: request)
        }
    }

    /// `{ status, headers, body }` as the script gets it, or the error of a request that gets no answer.
    private func reply(_ answer: Value, to request: TestRequest) -> HostAnswer {
        if let message = answer["error"]?.string {
            return .failure(code: "http_failed", message: message, retryable: true)
        }
        return .success(
            [
                "status": answer["status"] ?? 200, "headers": answer["headers"] ?? .emptyObject,
                "body": answer["body"] ?? "", "url": Value(request.url),
            ])
    }

    private func unexpected(_ request: TestRequest) -> HostAnswer {
        let name = "\(request.method) \(request.url)"
        return .failure(
            code: "unexpected_request",
            message: "unexpected request \(name); answer it with test.http { [\"\(name)\"] = { json = … } }, "
                + "or record the real answer: aikit-lua test --record",
            retryable: false)
    }
}

/// The bodies of answers that have not been read. Any thread.
private final class TestStreams: Sendable {
    private let bodies = Mutex<(last: Int64, left: [Int64: Value])>((0, [:]))

    /// Keeps the body of an answer, and gives its head with the number of the stream.
    func add(_ answer: Value) -> Value {
        let number = bodies.withLock { bodies in
            bodies.last += 1
            bodies.left[bodies.last] = answer["body"]
            return bodies.last
        }
        let head = (answer.entries ?? []).filter { $0.key != "body" }.map { ($0.key, $0.value) }
        return Value(entries: head + [("stream", Value(number))])
    }

    func take(_ number: Int64) -> Value {
        let body = bodies.withLock { $0.left.removeValue(forKey: number) }
        guard let body, body.withCursor({ $0.stringBytes?.isEmpty }) == false else { return ["done": true] }
        return ["data": body]
    }
}

/// A request that a step under test made.
struct TestRequest: Sendable {
    let method: String
    let url: String
    let headers: Value
    /// A text of any bytes; nil without a body.
    let body: Value?

    init(_ payload: Value) {
        method = payload["method"]?.string ?? "GET"
        url = QueryText.adding(payload["query"], to: payload["url"]?.string ?? "")
        headers = Self.shown(payload["headers"] ?? .emptyObject)
        body = payload["body"].flatMap { $0.isNull ? nil : $0 }
    }

    /// The headers with what is shown of secrets in their place.
    private static func shown(_ headers: Value) -> Value {
        func shown(_ value: Value) -> Value { SecretUse(value).map { Value($0.shown) } ?? value }
        return Value(
            entries: (headers.entries ?? []).map { name, value in
                (name, value.array.map { Value(array: $0.map(shown)) } ?? shown(value))
            })
    }

    var value: Value {
        var entries: [(String, Value)] = [("method", Value(method)), ("url", Value(url)), ("headers", headers)]
        if let body { entries.append(("body", body)) }
        return Value(entries: entries)
    }
}
