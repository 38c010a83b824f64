internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// Sends what has been measured to one endpoint, now and then and at the end.
final class MetricExporter: Sendable {
    private let endpoint: ExportSettings.Endpoint
    private let settings: ExportSettings
    private let post: SpanPost
    private let troubles: Troubles
    private let start = SystemClock().now()
    private let state = Mutex((metrics: SpanMetrics(), isFinished: false))
    private let finished = Gate()

    init(
        _ endpoint: ExportSettings.Endpoint, settings: ExportSettings, http: any HostGateway,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.endpoint = endpoint
        self.settings = settings
        post = SpanPost(endpoint, http: http)
        troubles = Troubles(endpoint: endpoint.name, things: .figures, warn: warn)
    }

    /// Measures spans that have ended; any thread.
    func offer(_ spans: [Span]) { state.withLock { $0.metrics.take(spans) } }

    /// ``run()`` sends once more and ends.
    func finish() {
        state.withLock { $0.isFinished = true }
        finished.open()
    }

    /// Sends until ``finish()``, or until the task is cancelled.
    func run() async {
        while true {
            _ = await finished.passed(within: .milliseconds(settings.metricInterval))
            let isLast = state.withLock { $0.isFinished }
            if Task.isCancelled { return }
            await deliver()
            if isLast { return troubles.finish() }
        }
    }

    /// What is not taken now is in what is sent next, as all of it counts from the beginning.
    private func deliver() async {
        let metrics = state.withLock { $0.metrics }
        let body = metrics.body(
            resource: settings.resource, version: engineVersion, since: start, now: max(SystemClock().now(), start))
        guard let body else { return }
        switch await post.send(post.request(body)) {
        case .taken(_, let reason): if !reason.isEmpty { troubles.warn(reason) }
        case .refused(let reason), .unreachable(let reason), .failed(let reason, _): troubles.retry(reason)
        }
    }
}
