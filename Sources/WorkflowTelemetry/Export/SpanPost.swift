internal import Compression
internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// One request of OTLP/HTTP, through the host's door for HTTP.
struct SpanPost: Sendable {
    enum Answer: Sendable, Equatable {
        /// All were taken but some; with what the server says of that, or besides.
        case taken(rejected: Int, String)
        /// Sending them again is of no use.
        case refused(String)
        /// No server had the request, and sending it again soon is of no use.
        case unreachable(String)
        /// They may be sent again, after so many seconds where the server says so.
        case failed(String, retryAfter: Int64?)
    }

    /// The longest wait that a server may ask for, in seconds.
    private static let longestWait: Int64 = 30

    private let endpoint: ExportSettings.Endpoint
    private let secrets: EndpointSecrets
    private let http: any HostGateway

    init(_ endpoint: ExportSettings.Endpoint, http: any HostGateway) {
        self.endpoint = endpoint
        secrets = EndpointSecrets(endpoint)
        self.http = http
    }

    func request(_ body: [UInt8]) -> HostCall {
        // What is packed could be damaged, and the little that comes back is not worth it.
        var headers = [("content-type", Value("application/json")), ("accept-encoding", "identity")]
        var body = body
        if endpoint.isGzipped, let packed = gzip(body) {
            body = packed
            headers.append(("content-encoding", "gzip"))
        }
        headers += endpoint.headers.map { ($0.name.lowercased(), Value($0.value)) }
        let text = Value { arena in body.withUnsafeBytes { arena.writeString($0) } }
        return HostCall(
            "http",
            payload: [
                "method": "POST", "url": Value(endpoint.url), "headers": Value(entries: headers), "body": text,
                "timeout": Value(Double(endpoint.timeout) / 1000), "redirects": 0, "max_size": 65536,
            ])
    }

    func send(_ request: HostCall) async -> Answer {
        guard let answer = await answer(to: request) else { return .failed("there was no time left", retryAfter: nil) }
        guard answer.ok, let status = answer.value["status"]?.int else {
            let message = shown(answer.value["message"]?.string ?? "the request failed")
            let code = answer.value["code"]?.string ?? ""
            if code == "too_large", let status = answer.value["details"]?["status"]?.int {
                return Self.answer(status: status, retryAfter: nil) ?? .taken(rejected: 0, "")
            }
            if code == "tls" { return .unreachable(message) }
            return Self.passing.contains(code) ? .failed(message, retryAfter: nil) : .refused(message)
        }
        let body = answer.value["body"]?.string ?? ""
        if let failure = Self.answer(status: status, retryAfter: answer.value["retry_after"]?.int) { return failure }
        // What is no JSON says nothing of rejected spans.
        let content = try? Value(json: body)
        return taken(content?["partialSuccess"] ?? content?["partial_success"] ?? .null)
    }

    /// What a status says that is none of success; nil for success.
    private static func answer(status: Int64, retryAfter: Int64?) -> Answer? {
        switch status {
        case 200..<300: nil
        case 429, 502, 503, 504:
            .failed("the server answers \(status)", retryAfter: retryAfter.map { min($0, longestWait) })
        default: .refused("the server answers \(status)")
        }
    }

    /// What may be gone at the next attempt. Whatever else is wrong with an answer, its server has had the request.
    private static let passing: Set<String> = [
        "connection_refused", "connection_failed", "connection_closed", "http_timeout", "dns", "http_queue",
    ]
    private static let rejectedKeys = [
        "rejectedSpans", "rejectedLogRecords", "rejectedDataPoints", "rejected_spans", "rejected_log_records",
        "rejected_data_points",
    ]

    /// What a server says besides that it took the request; what cannot be read of it means that some were rejected.
    private func taken(_ partial: Value) -> Answer {
        let given = Self.rejectedKeys.compactMap { partial[$0] }.filter { !$0.isNull }
        let rejected = given.compactMap(Self.count).max() ?? 0
        let reason = shown(partial["errorMessage"]?.string ?? partial["error_message"]?.string ?? "")
        let isUnreadable = !partial.isNull && partial.entries == nil && partial.array?.isEmpty != true
        if rejected == 0, isUnreadable || given.contains(where: { Self.count($0) == nil }) {
            let unknown = "the server rejected some, and how many cannot be read"
            return .taken(rejected: 1, reason.isEmpty ? unknown : "\(reason); \(unknown)")
        }
        return .taken(rejected: rejected, reason.isEmpty && rejected > 0 ? "the server rejected some" : reason)
    }

    /// A number from 0 on, as OTLP's JSON has it: as text, or as a number. One that is too large is the largest; nil for none.
    private static func count(_ value: Value) -> Int? {
        if let number = value.int { return Int(clamping: max(number, 0)) }
        if let number = value.double {
            return number.rounded() == number && number.isFinite ? number >= 0x1p63 ? .max : Int(max(number, 0)) : nil
        }
        guard let text = value.string else { return nil }
        if let number = Int64(text) { return Int(clamping: max(number, 0)) }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return text.hasPrefix("-") ? 0 : .max
    }

    /// What a server says, for a terminal: a line without control characters, and without what it was sent to know the sender by.
    private func shown(_ text: String) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in secrets.takenOut(of: text).unicodeScalars.prefix(200) {
            let isControl =
                scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
            shown.append(isControl ? " " : scalar)
        }
        return String(shown)
    }

    /// Nil when the task was cancelled.
    private func answer(to request: HostCall) async -> HostAnswer? {
        let call = PendingPost()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                call.begin(continuation)
                call.started(http.begin(request) { call.complete($0) })
            }
        } onCancel: {
            call.cancel()
        }
    }
}

/// A request under way, which is answered once: by the server, or by its cancellation.
private final class PendingPost: Sendable {
    private let state = Mutex(State())

    private struct State {
        var continuation: CheckedContinuation<HostAnswer?, Never>?
        var operation: (any HostOperation)?
        var isCancelled = false
    }

    func begin(_ continuation: CheckedContinuation<HostAnswer?, Never>) {
        state.withLock { $0.continuation = continuation }
    }

    func started(_ operation: (any HostOperation)?) {
        let isCancelled = state.withLock { state in
            state.operation = operation
            return state.isCancelled
        }
        if isCancelled { cancel() }
    }

    func complete(_ answer: HostAnswer) { state.withLock { $0.continuation.take() }?.resume(returning: answer) }

    func cancel() {
        let (continuation, operation) = state.withLock { state in
            state.isCancelled = true
            return (state.continuation.take(), state.operation.take())
        }
        operation?.cancel()
        continuation?.resume(returning: nil)
    }
}
