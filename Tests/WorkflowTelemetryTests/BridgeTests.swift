import CoreMetrics
import FlatValue
import InMemoryTracing
import Logging
import MetricsTestKit
import Synchronization
import Testing
import Tracing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("What embedders have set up for telemetry") struct BridgeTests {
    /// Runs a workflow whose person is answered, with everything that is told of it.
    private func run(_ parent: TraceParent? = nil) async throws -> (InMemoryTracer, TestMetrics) {
        let (tracer, metrics) = (InMemoryTracer(), TestMetrics())
        let bridge = TelemetryBridge(tracer: tracer, metrics: metrics, logger: nil)
        let engine = WorkflowEngine(workers: 1)
        let workflow = try Workflow(id: "orders") { code in
            [
                .step(
                    "load",
                    handler: code.inline { _, context in
                        context.emit(type: "loaded", data: ["n": 1])
                        return 1
                    }), .human("ask"),
                .foreach(
                    "each", items: code.inline { _, _ in [1, 2] },
                    body: [.step("one", handler: code.inline { n, _ in n })]),
            ]
        }
        let run = engine.createRun(workflow, id: "run-1")
        bridge.follow(run)
        try run.start(
            input: [:], metadata: nil, ctx: nil,
            trace: parent.map { ["telemetry": true, "traceparent": Value($0.text)] } ?? ["telemetry": true])
        _ = try await run.settled()
        _ = try await run.resume(data: ["ok": true])
        await bridge.finish()
        engine.shutdown()
        return (tracer, metrics)
    }

    @Test func `a tracer gets whole stretches, nested and with their own times`() async throws {
        let (tracer, _) = try await run()
        let spans = tracer.finishedSpans
        let ids = Dictionary(uniqueKeysWithValues: spans.map { ($0.spanID, $0) })
        #expect(spans.filter { $0.operationName == "orders" }.count == 2)
        #expect(spans.filter { $0.operationName == "orders.step.one" }.count == 2)
        for span in spans {
            #expect(span.startInstant.nanosecondsSinceEpoch <= span.endInstant.nanosecondsSinceEpoch)
            guard span.operationName != "orders" else { continue }
            let parent = try #require(span.parentSpanID.flatMap { ids[$0] })
            let wanted = span.operationName == "orders.step.one" ? "orders.step.each" : "orders"
            #expect(parent.operationName == wanted)
            #expect(parent.startInstant.nanosecondsSinceEpoch <= span.startInstant.nanosecondsSinceEpoch)
        }
        let load = try #require(spans.first { $0.operationName == "orders.step.load" })
        #expect(load.attributes["ai_kit.workflow.step.path"]?.toSpanAttribute() == .string("load"))
        #expect(load.events.map(\.name) == ["loaded"])
        #expect(load.status?.code == .ok)
    }

    @Test func `metrics come as well`() async throws {
        let (_, metrics) = try await run()
        let runs = try metrics.expectCounter(
            "aikit.workflow.runs", [("gen_ai.workflow.name", "orders"), ("status", "success")])
        #expect(runs.totalValue == 1)
        let steps = metrics.timers.filter { $0.label == "aikit.workflow.step.duration" }
        #expect(steps.contains { timer in timer.dimensions.contains { $0.1 == "load" } })
    }

    @Test func `series of figures are bounded, whatever scripts say`() {
        let metrics = TestMetrics()
        var bridge = MetricsBridge(metrics)
        for number in 0..<5000 {
            var span = Span(
                trace: TraceID(run: "run-1"), id: SpanID(run: "run-1", path: "load", attempt: number, occurrence: 1),
                name: "load", start: 1, end: 2)
            span.role = .step
            span.status = .error("no")
            span.attributes = [Names.errorType: .string("code \(number)"), Names.stepID: .string("load")]
            bridge.take([span])
        }
        #expect(metrics.timers.count == SeriesBounds.codeLimit + 1)
        #expect(metrics.timers.contains { timer in timer.dimensions.contains { $0 == (Names.errorType, "_OTHER") } })
    }

    @Test(arguments: [true, false])
    func `spans of a run whose end nobody sees are given all the same`(isLeft: Bool) {
        let tracer = InMemoryTracer()
        var bridge = TracerBridge(tracer)
        let root = SpanID(run: "run-1", path: "", attempt: 1, occurrence: 1)
        let span = Span(
            trace: TraceID(run: "run-1"), id: SpanID(run: "run-1", path: "load", attempt: 1, occurrence: 1),
            parent: root, name: "load", start: 1, end: 2)
        bridge.take(RunSpanFeed.Portion(run: "run-1", spans: [span], caller: nil))
        #expect(tracer.finishedSpans.isEmpty)
        if isLeft {
            bridge.take(RunSpanFeed.Portion(run: "run-1", spans: [], caller: nil, isLast: true))
        } else {
            bridge.finish()
        }
        #expect(tracer.finishedSpans.map(\.operationName) == ["load"])
    }

    @Test func `what a step logged has its run, its path and its span`() {
        let lines = LogLines()
        var span = Span(
            trace: TraceID(run: "run-1"), id: SpanID(run: "run-1", path: "load", attempt: 1, occurrence: 1),
            name: "load",
            start: 1, end: 2)
        span.attributes = [Names.stepPath: .string("load")]
        span.events = [
            Span.Event(
                name: Names.log, time: 1,
                attributes: [Names.logLevel: .string("warn"), Names.logMessage: .string("low")])
        ]
        let logger = Logger(label: "test") { _ in LineHandler(lines: lines) }
        LogBridge.take(RunSpanFeed.Portion(run: "run-1", spans: [span], caller: nil), logger)
        #expect(lines.all.count == 1)
        for part in ["warning low", "run-1", "\"path\": load", span.id.hex, span.trace.hex] {
            #expect(lines.all.first?.contains(part) == true, "\(lines.all)")
        }
    }
}

private final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct LineHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
    func log(
        level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, source: String, file: String,
        function: String, line: UInt
    ) {
        lines.add("\(level) \(message) \(metadata ?? [:])")
    }
}
