internal import AsyncHTTPClient
internal import FlatValue
internal import JSONSchema
internal import NIOCore
internal import NIOHTTP1
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Carries out calls of models: within their limits, again after failures that pass, and told of while they last.
final class ModelService: Sendable {
    /// The largest answer that is taken, in bytes.
    private static let sizeLimit = 64 << 20
    /// The longest wait that a provider may ask for, in microseconds; a longer one is an error.
    private static let longestRetryAfter: Int64 = 300_000_000

    private let http: HTTPService
    private let limits: (any SharedLimitStore)?

    /// - Parameters:
    ///   - http: how requests are made; the caller has checked where to.
    ///   - limits: what counts the calls of all processes; nil where those of this one are all.
    init(http: HTTPService, limits: (any SharedLimitStore)?) {
        self.http = http
        self.limits = limits
    }

    /// What a call comes to, within the time that is left for it.
    ///
    /// - Parameters:
    ///   - prepare: fills secrets into the request, whose destination has been allowed.
    ///   - stream: gets the pieces of a streamed answer.
    /// - Returns: the answer, or the failure of the last attempt.
    /// - Throws: ``HostFailure`` where nothing was asked, and when the time is over; a cancel of the task breaks the connection
    ///   off.
    func perform(
        _ call: ModelCall, prepare: @escaping @Sendable (inout HTTPCall) throws(HostFailure) -> Void,
        stream: (@Sendable (Value) -> Void)?
    ) async throws -> HostAnswer {
        guard let timeLeft = call.timeLeft else { return try await attempts(call, prepare, stream) }
        let late = HostFailure(
            "model_too_late", "\(call.settings.name) did not answer within the time that was left", retryable: false)
        return try await TimeLimit.within(.microseconds(timeLeft), else: late) {
            try await self.attempts(call, prepare, stream)
        }
    }

    private func attempts(
        _ call: ModelCall, _ prepare: @Sendable (inout HTTPCall) throws(HostFailure) -> Void,
        _ stream: (@Sendable (Value) -> Void)?
    ) async throws -> HostAnswer {
        let provider = call.settings.provider
        let request = try provider.request(call)
        var httpCall = try Self.httpCall(request, call)
        try prepare(&httpCall)
        let limiter = ModelLimiter.shared(by: call.settings)
        let trace = CallTrace(call, httpCall)
        let stream = stream.map { stream in
            { @Sendable (delta: Value) in
                if delta["kind"] != "restart" { trace.noteDelta() }
                stream(delta)
            }
        }
        var attempt = 0
        while true {
            attempt += 1
            do {
                let (value, usage, given) = try await limiter.admitted(by: limits) {
                    let outcome = try await self.attempt(call, httpCall, stream: stream)
                    return (outcome, outcome.usage.totalTokens)
                }
                var answer = HostAnswer.success(value)
                answer.usage = trace.record(usage, given, attempts: attempt)
                return answer
            } catch {
                let failure = (error as? HostFailure) ?? HostFailure(http: error, call: httpCall)
                let wait = Self.wait(after: failure, attempt, call.settings.retry)
                guard !Task.isCancelled, let wait else {
                    var answer = Self.counted(failure, attempt).answer
                    answer.usage = trace.failure(answer, attempts: attempt)
                    return answer
                }
                stream?(ModelDelta.restart(failure, after: wait).value)
                try await Task.sleep(for: .microseconds(wait))
            }
        }
    }

    /// How long to wait before the next attempt, in microseconds; nil for no other attempt.
    private static func wait(after failure: HostFailure, _ attempt: Int, _ policy: RetryPolicy) -> Int64? {
        guard failure.retryable == true, attempt < policy.maxAttempts else { return nil }
        let backoff = Int64(policy.delay(after: attempt, chance: Double.random(in: 0..<1))) * 1000
        guard let seconds = failure.details?["retry_after"]?.int else { return backoff }
        guard seconds <= longestRetryAfter / 1_000_000 else { return nil }
        return max(backoff, seconds * 1_000_000)
    }

    private static func counted(_ failure: HostFailure, _ attempts: Int) -> HostFailure {
        guard attempts > 1 else { return failure }
        var failure = failure
        failure.message += " (after \(attempts) attempts)"
        let details = (failure.details?.entries ?? []).map { ($0.key, $0.value) }
        failure.details = Value(entries: details + [("attempts", Value(Int64(attempts)))])
        return failure
    }

    private static func httpCall(_ request: ModelRequest, _ call: ModelCall) throws(HostFailure) -> HTTPCall {
        let usual: [(String, Value)] = [
            ("content-type", "application/json"),
            ("accept", call.isStreamed ? "text/event-stream" : "application/json"),
        ]
        let own = call.settings.headers.map { ($0.key.lowercased(), $0.value) }
        let headers = (usual + request.headers).filter { known in !own.contains { $0.0 == known.0 } } + own
        return try HTTPCall(
            [
                "method": "POST", "url": Value(call.settings.baseURL + request.path),
                "headers": Value(entries: headers), "body": Value(request.body.json),
            ])
    }

    // MARK: One attempt

    private typealias Outcome = (value: Value, usage: ModelUsage, answer: ModelAnswer?)

    private func attempt(
        _ call: ModelCall, _ http: HTTPCall, stream: (@Sendable (Value) -> Void)?
    ) async throws -> Outcome {
        let watch = IdleWatch(timeout: call.settings.timeout)
        return try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask { try await self.exchange(call, http, watch, stream: stream) }
            group.addTask {
                try await watch.expire()
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let outcome = first else {
                throw HostFailure(
                    "model_timeout",
                    "\(call.settings.provider.name) \(call.settings.name) did not answer within "
                        + HostFailure.seconds(call.settings.timeout), retryable: true)
            }
            return outcome
        }
    }

    private func exchange(
        _ call: ModelCall, _ http: HTTPCall, _ watch: IdleWatch, stream: (@Sendable (Value) -> Void)?
    ) async throws -> Outcome {
        let response = try await self.http.open(http)
        let status = Int(response.status.code)
        guard (200..<300).contains(status) else {
            let body = try await Self.body(of: response, limit: 1 << 20)
            let retryAfter = response.headers.first(name: "retry-after").flatMap {
                RetryAfter.seconds(
                    $0, date: response.headers.first(name: "date"), now: HostTime.milliseconds() / 1000)
            }
            throw HostFailure.refused(by: call.settings, status: status, body: body, retryAfter: retryAfter)
        }
        let isStream = response.headers.first(name: "content-type")?.contains("text/event-stream") ?? false
        if call.isStreamed, isStream { return try await read(response, call, watch, stream) }
        let body = try await Self.body(of: response, limit: Self.sizeLimit)
        guard let value = try? Value(json: String(decoding: body, as: UTF8.self)) else {
            throw HostFailure.unreadable("it is no JSON")
        }
        let provider = call.settings.provider
        switch call.operation {
        case .embed:
            let (vectors, usage) = try provider.vectors(value)
            var spent = usage
            spent.cost = call.settings.cost(usage) ?? 0
            return (["vectors": Value(array: vectors), "usage": spent.scriptValue], usage, nil)
        case .chat: return Self.outcome(try provider.answer(value), call)
        }
    }

    private func read(
        _ response: HTTPClientResponse, _ call: ModelCall, _ watch: IdleWatch, _ stream: (@Sendable (Value) -> Void)?
    ) async throws -> Outcome {
        var events = EventStreamReader()
        var reader = call.settings.provider.reader()
        var size = 0
        var isDone = false
        var share = EffectMemory.Share()
        for try await chunk in response.body {
            size += chunk.readableBytes
            if size > Self.sizeLimit { throw HostFailure.unreadable("it is larger than 64 MiB") }
            try share.take(chunk.readableBytes)
            let data = events.dataBytes
            for event in try events.take(chunk.readableBytesView) where !isDone {
                isDone = event == "[DONE]"
                if isDone { continue }
                guard let value = try? Value(json: event) else { throw HostFailure.unreadable("an event is no JSON") }
                for delta in try reader.take(value) { stream?(delta.value) }
            }
            // Comments only keep the connection open.
            if events.dataBytes > data { watch.touch() }
            // What has come already is read without a wait, and others have their turn between two pieces.
            await Task.yield()
        }
        return Self.outcome(try reader.finish(), call)
    }

    private static func outcome(_ answer: ModelAnswer, _ call: ModelCall) -> Outcome {
        (answer.value(cost: call.settings.cost(answer.usage)), answer.usage, answer)
    }

    private static func body(of response: HTTPClientResponse, limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var share = EffectMemory.Share()
        for try await chunk in response.body {
            if bytes.count + chunk.readableBytes > limit { throw HostFailure.unreadable("it is too large") }
            try share.take(chunk.readableBytes)
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        return bytes
    }
}

/// Ends an attempt in which no piece of an answer has come for a while.
private final class IdleWatch: Sendable {
    private let timeout: Int64
    private let last = Atomic<Int64>(HostTime.now())

    /// - Parameter timeout: microseconds.
    init(timeout: Int64) { self.timeout = timeout }

    /// A piece, or a part of one, has come.
    func touch() { last.store(HostTime.now(), ordering: .relaxed) }

    /// Returns when no piece has come for the time.
    func expire() async throws {
        while true {
            let rest = last.load(ordering: .relaxed) + timeout - HostTime.now()
            if rest <= 0 { return }
            try await Task.sleep(for: .microseconds(rest))
        }
    }
}
