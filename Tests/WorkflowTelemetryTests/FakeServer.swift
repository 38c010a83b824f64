import CZlib
import FlatValue
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// Answers requests as a script of a test says, and keeps them.
final class FakeServer: HostGateway {
    enum Reply: Sendable {
        case status(Int64, body: String = "{}", retryAfter: Int64? = nil)
        /// Nothing can be reached.
        case unreachable
        /// Nothing that is trusted can be reached.
        case untrusted
        /// An answer with a larger body than is read.
        case large(status: Int64)
        /// No answer, until the request is given up.
        case silence
    }

    struct Request: Sendable {
        var headers: [String: String]
        /// Unpacked.
        var body: Value
        var url: String

        var spans: [Value] {
            body["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? []
        }
    }

    private struct Silence: HostOperation { func cancel() {} }

    private let state: Mutex<(replies: [Reply], requests: [Request])>
    private let usual: Reply
    private let unreachable: String?

    /// - Parameters:
    ///   - replies: the first answers, in order; then `usual`.
    ///   - unreachable: nobody listens at addresses with this in them.
    init(_ replies: [Reply] = [], then usual: Reply = .status(200), unreachable: String? = nil) {
        state = Mutex((replies, []))
        self.usual = usual
        self.unreachable = unreachable
    }

    var requests: [Request] { state.withLock { $0.requests } }
    var spanCount: Int { requests.reduce(0) { $0 + $1.spans.count } }

    func begin(_ request: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        let headers = Dictionary(
            uniqueKeysWithValues: (request.payload["headers"]?.entries ?? []).map { ($0.key, $0.value.string ?? "") })
        var bytes = request.payload["body"]?.withCursor { $0.stringBytes.map(Array.init) } ?? []
        if headers["content-encoding"] == "gzip" { bytes = unpacked(bytes) }
        let body = bytes.withUnsafeBytes { try? Value(json: $0) }
        if body == nil { Issue.record("the body of a request is no JSON") }
        let url = request.payload["url"]?.string ?? ""
        let reply = state.withLock { state -> Reply in
            state.requests.append(Request(headers: headers, body: body ?? .null, url: url))
            if let unreachable, url.contains(unreachable) { return .unreachable }
            return state.replies.isEmpty ? usual : state.replies.removeFirst()
        }
        switch reply {
        case .status(let status, let body, let retryAfter):
            var entries: [(String, Value)] = [("status", Value(status)), ("body", Value(body))]
            if let retryAfter { entries.append(("retry_after", Value(retryAfter))) }
            answer(.success(Value(entries: entries)))
            return nil
        case .unreachable:
            answer(.failure(code: "connection_refused", message: "nobody listens", retryable: true))
            return nil
        case .untrusted:
            answer(.failure(code: "tls", message: "no secure connection", retryable: false))
            return nil
        case .large(let status):
            answer(
                .failure(code: "too_large", message: "max_size raises the limit", details: ["status": Value(status)]))
            return nil
        case .silence: return Silence()
        }
    }
}

/// What a gzip file holds.
func unpacked(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return [] }
    defer { inflateEnd(&stream) }
    var source = bytes
    return source.withUnsafeMutableBufferPointer { source in
        [UInt8](unsafeUninitializedCapacity: 1 << 22) { target, count in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(target.count)
            let status = inflate(&stream, Z_FINISH)
            #expect(status == Z_STREAM_END)
            count = Int(stream.total_out)
        }
    }
}

/// Lines that were told, from any thread.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}
