import Testing

@testable import WorkflowTelemetry

@Suite("Bounds of metrics") struct MetricBoundTests {
    private func span(_ role: Span.Role, _ attributes: Attributes, of workflow: String, failed: Bool = false) -> Span {
        var span = Span(
            trace: TraceID(run: "r"), id: SpanID(run: "r", path: "m", attempt: 1, occurrence: 1), name: "x", start: 0,
            end: 30_000)
        (span.attributes, span.role, span.workflow) = (attributes, role, workflow)
        span.status = failed ? .error("no") : .ok
        return span
    }

    private func failures(of workflow: String, _ count: Int) -> [Span] {
        (0..<count).flatMap { number in
            let code = Attributes.Item.string("code-\(number)")
            return [
                span(.step, [Names.stepID: .string("s"), Names.errorType: code], of: workflow, failed: true),
                span(.run, [Names.workflowName: .string(workflow), Names.errorType: code], of: workflow, failed: true),
            ]
        }
    }

    private func count(_ metrics: SpanMetrics, _ instrument: SpanMetrics.Instrument, _ labels: [String: String])
        -> UInt64
    {
        metrics.series.filter { series, _ in
            series.instrument == instrument && labels.allSatisfy { series.attributes[$0.key] == $0.value }
        }.reduce(0) { $0 + $1.value.count }
    }

    @Test func `codes that a script makes up take no room from other workflows`() {
        var metrics = SpanMetrics()
        metrics.take(failures(of: "wild", 5000))
        metrics.take([
            span(.run, [Names.workflowName: .string("quick")], of: "quick"),
            span(.step, [Names.stepID: .string("s")], of: "quick"),
        ])
        metrics.take(failures(of: "tame", 3))
        #expect(metrics.series.count < 100)
        #expect(count(metrics, .runs, ["gen_ai.workflow.name": "quick", "status": "success"]) == 1)
        #expect(count(metrics, .runs, ["gen_ai.workflow.name": "wild", "status": "failed"]) == 5000)
        #expect(count(metrics, .runs, ["gen_ai.workflow.name": "wild", "error.type": "_OTHER"]) == 4980)
        #expect(count(metrics, .runs, ["gen_ai.workflow.name": "tame", "error.type": "code-2"]) == 1)
        #expect(count(metrics, .steps, ["gen_ai.workflow.name": "quick", Names.stepID: "s"]) == 1)
        #expect(!metrics.series.keys.contains { $0.attributes["otel.metric.overflow"] != nil })
    }

    @Test func `many workflows that make up codes leave half of an instrument to known labels`() {
        var metrics = SpanMetrics()
        for number in 0..<300 { metrics.take(failures(of: "wild-\(number)", 30)) }
        metrics.take([span(.run, [Names.workflowName: .string("quick")], of: "quick")])
        #expect(count(metrics, .runs, ["gen_ai.workflow.name": "quick", "status": "success"]) == 1)
        #expect(count(metrics, .runs, ["gen_ai.workflow.name": "wild-299", "status": "failed"]) == 30)
        #expect(metrics.series.keys.filter { $0.instrument == .runs }.count <= SeriesBounds.limit)
    }

    @Test func `the name of a trace is no label, and names of models are bounded`() {
        var metrics = SpanMetrics()
        for number in 0..<3000 {
            let name = Attributes.Item.string("n\(number)")
            metrics.take([
                span(.step, [Names.stepID: .string("s"), Names.traceName: name], of: "w"),
                span(
                    .model, [Names.operation: .string("chat"), Names.requestModel: name, Names.outputTokens: .int(1)],
                    of: "w"),
            ])
        }
        #expect(metrics.series.keys.filter { $0.instrument == .steps }.count == 1)
        let calls = metrics.series.keys.filter { $0.instrument == .calls }
        #expect(calls.count == SeriesBounds.modelLimit + 1)
        #expect(count(metrics, .calls, [Names.requestModel: "_OTHER", Names.operation: "chat"]) == 2800)
    }

    @Test func `what is full of one instrument leaves the others alone`() {
        var metrics = SpanMetrics()
        for number in 0..<3000 { metrics.take([span(.step, [Names.stepID: .string("s\(number)")], of: "w")]) }
        metrics.take([span(.run, [Names.workflowName: .string("w")], of: "w")])
        #expect(count(metrics, .steps, ["otel.metric.overflow": "true"]) == 1000)
        #expect(count(metrics, .runs, [Names.workflowName: "w", "status": "success"]) == 1)
    }
}
