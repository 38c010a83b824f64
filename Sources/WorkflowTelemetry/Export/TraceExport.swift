internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

/// Sends the spans of runs as the runs go on, without slowing them: it reads their journals from outside the workers.
///
/// ```swift
/// let export = TraceExport(settings, http: effects) { print($0) }
/// export.follow(engine)
/// …
/// await export.finish(within: .seconds(2))
/// ```
public final class TraceExport: Sendable {
    private let settings: ExportSettings
    private let follower: JournalFollower
    private let exporters: [SpanExporter]
    private let metrics: MetricExporter?
    private let thread: QuietThread
    private let follows: Task<Void, Never>
    private let sends: Task<Void, Never>
    private let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - store: where the runs are kept that are followed; nil for none.
    ///   - http: what carries requests out.
    ///   - warn: gets a line when an endpoint does not take spans, once a minute; any thread.
    package init(
        _ settings: ExportSettings, store: (any RunStore)?, http: any HostGateway,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.warn = warn
        let follower = JournalFollower(store: store)
        let exporters =
            settings.endpoints.map { SpanExporter($0, settings: settings, http: http, warn: warn) }
            + [settings.logEndpoint].compactMap { $0 }.map {
                SpanExporter($0, settings: settings, sendsLogs: true, http: http, warn: warn)
            }
        let metrics = settings.metricEndpoint.map {
            MetricExporter($0, settings: settings, http: http, warn: warn)
        }
        self.metrics = metrics
        self.follower = follower
        self.exporters = exporters
        let thread = QuietThread()
        self.thread = thread
        follows = Task.detached(executorPreference: thread) {
            await RunSpanFeed.run(follower) { portion in
                metrics?.offer(portion.spans)
                guard let first = portion.spans.first, settings.samples(first.trace, caller: portion.caller) else {
                    return
                }
                for exporter in exporters { exporter.offer(portion.spans) }
            }
        }
        sends = Task.detached(executorPreference: thread) {
            await withTaskGroup { group in
                for exporter in exporters { group.addTask { await exporter.run() } }
                if let metrics { group.addTask { await metrics.run() } }
            }
        }
    }

    /// Follows all runs of an engine that keeps its runs, from now on.
    package func follow(_ hub: EventHub) { follower.follow(hub) }

    /// Follows one run.
    ///
    /// - Parameter past: how many of its journal's entries were made before, by a process that sent their spans; nil for those
    ///   before it was taken up.
    package func follow(_ run: WorkflowRun, past: Int? = 0) { follower.follow(run, past: past) }

    /// Sends the spans of a run that is not followed.
    package func send(_ spans: [Span]) {
        for exporter in exporters { exporter.offer(spans) }
        metrics?.offer(spans)
    }

    /// Sends what there is and ends; what cannot be sent within the time is dropped, and told of.
    public func finish(within limit: Duration) async {
        follower.finish()
        let deadline = Task { [follows, sends, exporters, metrics] in
            try await Task.sleep(for: limit)
            follows.cancel()
            for exporter in exporters { exporter.finish() }
            metrics?.finish()
            sends.cancel()
        }
        await follows.value
        for exporter in exporters { exporter.finish() }
        metrics?.finish()
        await sends.value
        thread.end()
        deadline.cancel()
        if follower.lostCount > 0 {
            warn("telemetry: \(follower.lostCount) parts of runs could not be followed; their spans are missing")
        }
    }
}
