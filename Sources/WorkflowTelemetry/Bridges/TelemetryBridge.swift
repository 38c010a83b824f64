internal import CoreMetrics
public import Logging
internal import Synchronization
internal import Tracing
public import WorkflowEngine

/// Gives the spans, metrics and logs of runs to whatever the process has set up: the tracer of swift-distributed-tracing, the
/// metrics of swift-metrics, a logger of swift-log.
///
/// Runs are not slowed: their journals are read from outside the workers. A span is given to the tracer when the stretch of its
/// run is over that it lies in, with its own times; its ids are the tracer's.
///
/// ```swift
/// let bridge = TelemetryBridge(logger: Logger(label: "orders"))
/// let run = engine.createRun(workflow)
/// bridge.follow(run)
/// _ = try await run.run(input: order)
/// await bridge.finish()
/// ```
public final class TelemetryBridge: Sendable {
    private let follower = JournalFollower()
    private let work: Task<Void, Never>

    /// - Parameter logger: gets what steps log, with the run, the path and the trace; nil for nobody.
    public convenience init(logger: Logger? = nil) {
        self.init(tracer: InstrumentationSystem.tracer, metrics: MetricsSystem.factory, logger: logger)
    }

    init(tracer: any Tracer, metrics: any MetricsFactory, logger: Logger?) {
        work = Task.detached { [follower] in
            var spans = TracerBridge(tracer)
            var figures = MetricsBridge(metrics)
            await RunSpanFeed.run(follower) { portion in
                spans.take(portion)
                figures.take(portion.spans)
                if let logger { LogBridge.take(portion, logger) }
            }
            spans.finish()
        }
    }

    /// Follows a run from its first event on. To be called before it is started.
    public func follow(_ run: WorkflowRun) {
        // What the tracer makes of the spans is its own matter.
        run.sample { _, _ in true }
        follower.follow(run, past: 0)
    }

    /// Gives what lies ready and ends; runs that are not over are followed no further, and what has ended of them is given as it is.
    public func finish() async {
        follower.finish()
        await work.value
    }
}
