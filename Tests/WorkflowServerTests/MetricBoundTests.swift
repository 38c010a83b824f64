import Testing
import WorkflowCore

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

    @Test func `methods that clients make up are bounded`() {
        var state = ServerMetrics.State()
        for number in 0..<5000 { state.add(request: "M\(number) NotFound", status: 404, seconds: 1) }
        #expect(state.requestTimes.count == ServerMetrics.State.routeLimit + 1)
        #expect(state.requests.count == state.requestTimes.count)
    }
}
