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
    package let settings: ExportSettings
    private let follower: JournalFollower
    let exporters: [BatchExporter]
    private let metrics: MetricExporter?
    private let unsent: UnsentSpans?
    private let sentOfOthers: SentRuns
    private let marks: Task<Void, Never>?
    private let thread: QuietThread
    private let follows: Task<Void, Never>
    private let sends: Task<Void, Never>
    private let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - store: where the runs are kept that are followed; nil for none.
    ///   - leaves: whether what cannot be sent is left to whoever looks after the store next, if it lasts.
    ///   - http: what carries requests out.
    ///   - warn: gets a line when an endpoint does not take spans, once a minute; any thread.
    package init(
        _ settings: ExportSettings, store: (any RunStore)?, leaves: Bool = true, http: any HostGateway,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.warn = warn
        let follower = JournalFollower(store: store)
        func exporters(_ endpoints: [ExportSettings.Endpoint], _ signal: ExportEnvelope.Signal) -> [BatchExporter] {
            let envelope = ExportEnvelope(signal, resource: settings.resource)
            let leaves = leaves && store is any LastingStore
            return endpoints.map {
                BatchExporter($0, envelope, settings: settings, leaves: leaves, http: http, warn: warn)
            }
        }
        let exporters =
            exporters(settings.endpoints, .traces)
            + exporters([settings.logEndpoint].compactMap { $0 }, .logs)
        let metrics = settings.metricEndpoint.map {
            MetricExporter($0, settings: settings, http: http, warn: warn)
        }
        self.metrics = metrics
        self.follower = follower
        self.exporters = exporters
        let thread = QuietThread()
        self.thread = thread
        let sentOfOthers = SentRuns()
        self.sentOfOthers = sentOfOthers
        follows = Task.detached(executorPreference: thread) {
            let text = SpanText()
            await RunSpanFeed.run(follower, told: sentOfOthers.take) { trace, caller, count in
                // What is not sampled, and what there is no room for, is not even made, but for figures.
                let isWanted =
                    settings.samples(trace, caller: caller) && exporters.contains { $0.hasRoom(beyond: count) }
                return isWanted ? .whole : metrics == nil ? .none : .figures
            } _: { portion in
                if portion.spans.isEmpty, portion.unwanted == 0 { return }
                metrics?.offer(portion.spans)
                let trace = portion.spans.first?.trace ?? TraceID(run: portion.run)
                guard settings.samples(portion.caller?.trace ?? trace, caller: portion.caller) else { return }
                Self.offer(portion.spans.filter { !$0.isBrief }, text, to: exporters)
                let dropped = portion.unwanted + portion.spans.count { $0.isBrief }
                if dropped > 0 { for exporter in exporters { exporter.drop(dropped) } }
                for exporter in exporters { await exporter.awaitRoom() }
            }
        }
        let unsent = UnsentSpans(store, endpoints: exporters.map(\.name))
        self.unsent = unsent
        marks = unsent.map { unsent in
            Task.detached(executorPreference: thread) {
                await unsent.run { await Self.countOfSent(exporters, follower) }
            }
        }
        sends = Task.detached(executorPreference: thread) {
            await withTaskGroup { group in
                for exporter in exporters { group.addTask { await exporter.run() } }
                if let metrics { group.addTask { await metrics.run() } }
            }
        }
    }

    /// Has the store know that this process sends the spans of runs, so that another one sends what is left if it dies. To be called
    /// before a run begins or is taken up; a store that does not answer is waited for half a second.
    package func begin() async { await unsent?.begin() }

    /// Follows all runs that an engine drives; to be called before it has one.
    package func follow(_ engine: WorkflowEngine) {
        engine.sample(settings.sampling)
        follower.follow(engine)
    }

    /// Follows one run, of an engine that is not followed.
    ///
    /// - Parameter past: how many of its journal's entries were made before, by a process that sent their spans; nil for those
    ///   before it was taken up.
    package func follow(_ run: WorkflowRun, past: Int? = 0) { follower.follow(run, past: past) }

    /// How long a look at what has been sent takes at most.
    private static let lookLimit = Duration.seconds(10)

    /// Waits until the spans have been sent or given up that ended before now, and counts all so far; nil where that takes longer
    /// than a look may.
    private static func countOfSent(
        _ exporters: [BatchExporter], _ follower: JournalFollower
    ) async -> UnsentSpans.Counts? {
        let deadline = ContinuousClock.now + lookLimit
        guard await follower.caughtUp(within: lookLimit) else { return nil }
        let taken = exporters.map(\.counts.taken)
        while ContinuousClock.now < deadline {
            if zip(exporters, taken).allSatisfy({ $0.counts.settled >= $1 }) { return counts(of: exporters) }
            try? await Task.sleep(for: .milliseconds(200))
        }
        return nil
    }

    private static func counts(of exporters: [BatchExporter]) -> UnsentSpans.Counts {
        let counts = exporters.map { ($0.name, $0.counts) }
        return UnsentSpans.Counts(
            taken: counts.reduce(0) { $0 &+ $1.1.taken },
            unsent: Dictionary(counts.map { ($0, $1.unsent) }, uniquingKeysWith: &+))
    }

    /// Sends the spans of the store's runs that another process has ended and not sent, because it died or had no time, and what this
    /// one could not send before. To be called before this process takes up runs of the store, and now and then afterwards.
    package func sendUnsent(_ catalog: any WorkflowCatalog) async {
        // What this process would not sample is left to one that does.
        if settings.sampler == .none { return }
        let sink = Sink(settings: settings, exporters: exporters, sent: sentOfOthers)
        await unsent?.sendThoseOfOthers(
            { try await catalog.workflow($0.workflow, generation: $0.generation, of: $0.id).plan }, to: sink)
    }

    /// Sends spans of other processes by the exporters of this one.
    private struct Sink: UnsentSink {
        let settings: ExportSettings
        let exporters: [BatchExporter]
        let sent: SentRuns

        func found(_ record: RunRecord) {
            if !record.status.isTerminal { sent.note(record.id, entries: record.log.count) }
        }

        func isWanted(_ trace: TraceID, caller: TraceParent?) -> Bool { settings.samples(trace, caller: caller) }

        func send(_ spans: [Span], to endpoint: Int) async -> Delivery {
            let (exporter, delivery, text) = (exporters[endpoint], Delivery(), SpanText())
            let isTraces = exporter.envelope.signal == .traces
            let pieces = spans.compactMap { isTraces ? text.piece($0) : LogText.piece($0) }
            if isTraces, pieces.count < spans.count { exporter.dropLarge(spans.count - pieces.count) }
            await exporter.offer(pieces, for: delivery)
            return delivery
        }
    }

    /// Does the same again and again, until the task is cancelled.
    package func keepSendingUnsent(_ catalog: any WorkflowCatalog) async {
        while !Task.isCancelled {
            await sendUnsent(catalog)
            try? await Task.sleep(for: .seconds(60))
        }
    }

    /// Sends the spans of a run that is not followed.
    package func send(_ spans: [Span]) {
        Self.offer(spans, SpanText(), to: exporters)
        metrics?.offer(spans)
    }

    /// Each signal's text is made once for all of its endpoints. Those of runs, steps and models come first, and have room that
    /// those have not which a script makes, however many these are.
    private static func offer(_ spans: [Span], _ text: SpanText, to exporters: [BatchExporter]) {
        let made = spans.filter { $0.role == .made }
        offer(made.isEmpty ? spans : spans.filter { $0.role != .made }, text, to: exporters, leavingRoom: false)
        offer(made, text, to: exporters, leavingRoom: true)
    }

    private static func offer(
        _ spans: [Span], _ text: SpanText, to exporters: [BatchExporter], leavingRoom: Bool
    ) {
        if spans.isEmpty { return }
        for signal in [ExportEnvelope.Signal.traces, .logs] {
            let own = exporters.filter { $0.envelope.signal == signal }
            if own.isEmpty { continue }
            let pieces = spans.compactMap { signal == .traces ? text.piece($0) : LogText.piece($0) }
            for exporter in own {
                exporter.offer(pieces, leavingRoom: leavingRoom)
                if signal == .traces, pieces.count < spans.count { exporter.dropLarge(spans.count - pieces.count) }
            }
        }
    }

    /// How many spans one endpoint at least did not get.
    package var lost: Int { exporters.map(\.lost).max() ?? 0 }

    /// How long a store may take to take back the runs of an engine.
    private static let lettingGo = Duration.milliseconds(500)

    /// Has an engine that is followed let its runs go, and does as ``finish(within:)``: what a run records has been sent then, or is
    /// recorded by whoever takes it up, who sends it.
    package func finish(_ engine: WorkflowEngine, within limit: Duration) async {
        let isLetGo = await engine.letGo(within: Self.lettingGo)
        await finish(within: limit, isAll: isLetGo)
    }

    /// Sends what there is and ends; what cannot be sent within the time is dropped, and told of.
    public func finish(within limit: Duration) async { await finish(within: limit, isAll: true) }

    /// - Parameter isAll: whether nothing more is recorded by runs that were followed.
    private func finish(within limit: Duration, isAll: Bool) async {
        follower.finish()
        thread.hurry()
        let isLate = Atomic(false)
        let deadline = Task { [follows, sends, exporters, metrics] in
            try await Task.sleep(for: limit)
            isLate.store(true, ordering: .releasing)
            follows.cancel()
            for exporter in exporters { exporter.finish() }
            metrics?.finish()
            sends.cancel()
        }
        await follows.value
        let isFollowed = !isLate.load(ordering: .acquiring)
        for exporter in exporters { exporter.finish() }
        metrics?.finish()
        await sends.value
        deadline.cancel()
        // What there was no time for is left to whoever recovers the store's runs.
        await unsent?.finish(isFollowed ? Self.counts(of: exporters) : nil, isLast: isAll)
        thread.end()
        if follower.lostCount > 0 {
            let count = follower.lostCount
            warn(
                "telemetry: \(count) \(count == 1 ? "run" : "runs") could not be followed to the end; spans are missing"
            )
        }
    }
}
