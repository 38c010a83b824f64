internal import Synchronization
internal import WorkflowEngine

/// Sends spans, or what was logged in them, to one endpoint, in batches, from a bounded queue.
///
/// Offering is quick and never waits: what the queue has no room for is dropped and counted. A request that fails is sent again
/// with a growing wait, or after the wait that the server asks for, as far as OTLP lets it: after 429, 502, 503, 504 and where
/// there was no answer.
final class SpanExporter: Sendable {
    /// How long one batch is tried, in milliseconds.
    private static let patience: Int64 = 60_000
    private static let firstWait = 500.0
    private static let longestWait = 10_000.0

    private let endpoint: ExportSettings.Endpoint
    private let settings: ExportSettings
    private let sendsLogs: Bool
    private let post: SpanPost
    private let troubles: Troubles
    private let state = Mutex(State())

    private struct State {
        var spans: [Span] = []
        var isFinished = false
        /// Opened when there is a whole batch, or nothing more comes.
        var waker: Gate?
    }

    /// - Parameter sendsLogs: whether the endpoint takes what was logged in the spans, in place of the spans.
    init(
        _ endpoint: ExportSettings.Endpoint, settings: ExportSettings, sendsLogs: Bool = false, http: any HostGateway,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.endpoint = endpoint
        self.settings = settings
        self.sendsLogs = sendsLogs
        post = SpanPost(endpoint, http: http)
        troubles = Troubles(endpoint: endpoint.name, things: sendsLogs ? "spans with logs" : "spans", warn: warn)
    }

    /// Takes spans to be sent; any thread.
    func offer(_ spans: [Span]) {
        let spans = sendsLogs ? spans.filter { $0.events.contains { $0.name == Names.log } } : spans
        if spans.isEmpty { return }
        let (dropped, waker) = state.withLock { state -> (Int, Gate?) in
            if state.isFinished { return (spans.count, nil) }
            let room = max(settings.queueSize - state.spans.count, 0)
            state.spans += spans.prefix(room)
            let isReady = state.spans.count >= settings.batchSize
            return (max(spans.count - room, 0), isReady ? state.waker.take() : nil)
        }
        if dropped > 0 { troubles.drop(dropped, "the queue is full") }
        waker?.open()
    }

    /// Nothing is offered any more; ``run()`` ends when the queue is empty.
    func finish() {
        let waker = state.withLock { state in
            state.isFinished = true
            return state.waker.take()
        }
        waker?.open()
    }

    /// Sends until ``finish()``, or until the task is cancelled, which drops what is left.
    func run() async {
        while let batch = await nextBatch() {
            if Task.isCancelled {
                troubles.drop(batch.count, "there was no time left")
            } else {
                await deliver(batch)
            }
        }
        troubles.finish()
    }

    private func nextBatch() async -> [Span]? {
        let waker = Gate()
        let isReady = state.withLock { state in
            if state.isFinished || state.spans.count >= settings.batchSize { return true }
            state.waker = waker
            return false
        }
        if !isReady { _ = await waker.passed(within: .milliseconds(settings.delay)) }
        return state.withLock { state in
            state.waker = nil
            if state.spans.isEmpty, state.isFinished { return nil }
            let batch = Array(state.spans.prefix(settings.batchSize))
            state.spans.removeFirst(batch.count)
            return batch
        }
    }

    private func body(_ batch: [Span]) -> [UInt8]? {
        if sendsLogs { return LogPayload.body(batch, resource: settings.resource, version: engineVersion) }
        var payload = TracePayload(resource: settings.resource, version: engineVersion)
        for span in batch { payload.add(span) }
        return payload.finish()
    }

    private func deliver(_ batch: [Span]) async {
        guard !batch.isEmpty, let body = body(batch) else { return }
        let request = post.request(body)
        let start = SystemClock().now()
        var wait = Self.firstWait
        while true {
            switch await post.send(request) {
            case .taken(let rejected, let reason):
                if rejected > 0 { troubles.drop(rejected, reason) }
                return
            case .refused(let reason): return troubles.drop(batch.count, reason)
            case .failed(let reason, let retryAfter):
                let asked = retryAfter.map { Double($0) * 1000 } ?? wait * Double.random(in: 0.8...1.2)
                let elapsed = (SystemClock().now() - start) / 1000
                guard !Task.isCancelled, Double(elapsed) + asked < Double(Self.patience) else {
                    return troubles.drop(batch.count, reason)
                }
                troubles.retry(reason)
                wait = min(wait * 2, Self.longestWait)
                try? await Task.sleep(for: .milliseconds(Int64(asked)))
            }
        }
    }
}
