import Testing

@testable import WorkflowEngine

/// Runs `a`, `b`, … are under way; `qa` is the queued run that `a` waits for.
struct WaitGraphTests {
    private let place = WaitGraph.Place(workflow: "w", kind: .concurrency, key: "")
    private let other = WaitGraph.Place(workflow: "v", kind: .concurrency, key: "")

    private func refused(_ graph: WaitGraph, _ runs: String...) -> [String] { runs.filter { graph.refused($0) != nil } }

    @Test func `a run that waits for its own place is given up`() {
        var graph = WaitGraph()
        graph.wait("a", for: ["qa"])
        graph.hold(place, by: ["a"])
        graph.queue("qa", madeAt: 1, for: [(place, 1)])
        #expect(graph.refused("qa")?.limit == 1)
        #expect(graph.refused("qa")?.place == place)
        // With room for another one it begins.
        graph.queue("qa", madeAt: 1, for: [(place, 2)])
        #expect(graph.refused("qa") == nil)
    }

    @Test func `of runs that wait for each other's places the newest wait is given up`() {
        var graph = WaitGraph()
        for run in ["a", "b"] { graph.wait(run, for: ["q" + run]) }
        graph.hold(place, by: ["a", "b"])
        graph.queue("qa", madeAt: 2, for: [(place, 2)])
        graph.queue("qb", madeAt: 1, for: [(place, 2)])
        #expect(refused(graph, "qa", "qb") == ["qa"])
        graph.queue("qb", madeAt: 2, for: [(place, 2)])
        #expect(refused(graph, "qa", "qb") == ["qb"])
    }

    @Test func `a holder that goes on lets all of them wait`() {
        var graph = WaitGraph()
        graph.wait("a", for: ["qa"])
        graph.wait("b", for: ["c"])
        graph.hold(place, by: ["a", "b"])
        graph.queue("qa", madeAt: 1, for: [(place, 2)])
        #expect(graph.refused("qa") == nil)
        // Once what the other one waits for waits itself, nobody goes on.
        graph.wait("c", for: ["qc"])
        graph.queue("qc", madeAt: 2, for: [(place, 2)])
        #expect(refused(graph, "qa", "qc") == ["qc"])
    }

    @Test func `two limits that wait for each other are one circle`() {
        var graph = WaitGraph()
        graph.wait("a", for: ["qa"])
        graph.wait("b", for: ["qb"])
        graph.hold(place, by: ["a"])
        graph.hold(other, by: ["b"])
        graph.queue("qa", madeAt: 1, for: [(other, 1)])
        graph.queue("qb", madeAt: 2, for: [(place, 1)])
        #expect(refused(graph, "qa", "qb") == ["qb"])
    }

    @Test func `who waits only for the end of a circle is not given up`() {
        var graph = WaitGraph()
        for run in ["a", "b", "c"] { graph.wait(run, for: ["q" + run]) }
        graph.hold(place, by: ["a", "b"])
        for (time, run) in ["qa", "qb", "qc"].enumerated() {
            graph.queue(run, madeAt: Int64(time), for: [(place, 2)])
        }
        #expect(refused(graph, "qa", "qb", "qc") == ["qb"])
    }
}
