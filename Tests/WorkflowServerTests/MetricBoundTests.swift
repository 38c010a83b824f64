import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowServer

@Suite("Bounds of the figures of /metrics") struct MetricBoundTests {
    @Test func `models that a script makes up take no room from those of other workflows`() {
        var state = ServerMetrics.State()
        for number in 0..<5000 { state.add(ModelUsage(), of: "m\(number)", in: "wild") }
        state.add(ModelUsage(), of: "tiny", in: "quick")
        #expect(state.usages.count == ServerMetrics.State.modelLimit + 2)
        #expect(state.usages[ServerMetrics.Labels(first: "wild", second: "other")] != nil)
        #expect(state.usages[ServerMetrics.Labels(first: "quick", second: "tiny")] != nil)
    }

    @Test func `runs are counted before those put aside for it hold much memory`() throws {
        let workflow = try Workflow(id: "large") { _ in [.human("ask")] }
        func record(megabytes: Int) -> RunRecord {
            var log = RunLog()
            [UInt8](repeating: 0, count: megabytes << 20).withUnsafeBytes { log.arena.append($0) }
            return RunRecord(id: "r", plan: workflow.plan, log: log, trace: TraceOrigin(), status: .success)
        }
        var ended = ServerMetrics.Ended()
        let isDue = [ended.add(record(megabytes: 1)), ended.add(record(megabytes: 3))]
        #expect(isDue == [false, true])
        // Nobody comes to count them.
        for _ in 0..<100 { _ = ended.add(record(megabytes: 16)) }
        let held = ended.records.reduce(0) { $0 + $1.log.size }
        #expect(held > ServerMetrics.Ended.batchBytes && held <= ServerMetrics.Ended.limitBytes)
    }

    @Test func `methods that clients make up are bounded`() {
        var state = ServerMetrics.State()
        for number in 0..<5000 { state.add(request: "M\(number) NotFound", status: 404, seconds: 1) }
        #expect(state.requestTimes.count == ServerMetrics.State.routeLimit + 1)
        #expect(state.requests.count == state.requestTimes.count)
    }
}
