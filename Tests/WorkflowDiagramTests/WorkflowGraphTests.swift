import FlatValue
import TestInputs
import Testing

@testable import WorkflowCore
@testable import WorkflowDiagram

/// A workflow with every construct.
private let everything = WorkflowDefinition(
    id: "weather", description: "Weather <briefing>",
    nodes: [
        .step("fetch", description: "Asks \"them\"", handler: 1, retry: .init(maxAttempts: 3)),
        .branch(
            "risk", resolve: 1,
            cases: [
                "storm": [.step("warn", handler: 1), .step("call", handler: 1)], "calm": [.step("brief", handler: 1)],
            ]),
        .foreach("each", items: 1, concurrency: 4, body: [.step("translate", handler: 1)]),
        .parallel(
            "prepare",
            branches: [
                "left": [.step("create", handler: 1)],
                "right": [.loop("poll", condition: 1, body: [.delay("pause", .fixed(.seconds(90)))])],
            ]),
        .step("skip", handler: 1, next: .to("finish")),
        .human("approve"), .waitFor("paid", event: "payment"),
        .workflow(WorkflowDefinition(id: "inner", nodes: [.step("deep", handler: 1)])),
        .step("finish", handler: 1),
    ])

@Suite struct `Outlines and graphs` {
    private let plan: Plan

    init() throws { plan = try DefinitionReader.plan(from: everything.value) }

    private func edges(from path: String) -> [String] {
        WorkflowOutline(plan).edges.filter { $0.from == path }.map { "\($0.kind) \($0.label ?? "-") \($0.to)" }
    }

    @Test func `every node has a place of its own`() {
        let outline = WorkflowOutline(plan)
        #expect(
            outline.nodes.map(\.path) == [
                "fetch", "risk", "risk/brief", "risk/warn", "risk/call", "each", "each/translate", "prepare",
                "prepare[left]/create", "prepare[right]/poll", "prepare[right]/poll/pause", "skip", "approve", "paid",
                "inner",
                "inner/deep", "finish",
            ])
        #expect(outline.nodes.first { $0.path == "risk/warn" }?.parent == "risk")
        #expect(outline.nodes.first { $0.path == "risk/warn" }?.body == "storm")
        #expect(outline.nodes.first { $0.path == "fetch" }?.location?.contains("WorkflowGraphTests.swift:") == true)
    }

    @Test func `edges say what can follow, and nothing else`() {
        #expect(edges(from: "fetch") == ["next - risk"])
        #expect(edges(from: "risk") == ["branch calm risk/brief", "branch storm risk/warn", "next none each"])
        #expect(edges(from: "risk/warn") == ["next - risk/call"])
        #expect(edges(from: "risk/call") == ["next - each"])
        #expect(edges(from: "each/translate") == [])
        #expect(
            edges(from: "prepare") == [
                "body left prepare[left]/create", "body right prepare[right]/poll", "next - skip",
            ])
        #expect(edges(from: "prepare[right]/poll/pause") == ["again - prepare[right]/poll/pause"])
        #expect(edges(from: "skip") == ["next - finish"])
        #expect(edges(from: "inner/deep") == [])
        #expect(edges(from: "finish") == [])
    }

    @Test func `the same id in two cases stays apart`() throws {
        let definition = WorkflowDefinition(
            id: "w",
            nodes: [.branch("b", resolve: 1, cases: ["x": [.step("s", handler: 1)], "y": [.step("s", handler: 1)]])])
        let outline = WorkflowOutline(try DefinitionReader.plan(from: definition.value))
        #expect(outline.nodes.map(\.path) == ["b", "b/s", "b{y}/s"])
        #expect(outline.value["edges"]?.array?.map { $0["to"]?.string } == ["b/s", "b{y}/s"])
    }

    @Test func `a branch with otherwise has no way past its cases`() throws {
        let definition = WorkflowDefinition(
            id: "w",
            nodes: [
                .branch("b", resolve: 1, cases: ["x": [.step("s", handler: 1)]], otherwise: [.step("o", handler: 1)]),
                .step("after", handler: 1),
            ])
        let outline = WorkflowOutline(try DefinitionReader.plan(from: definition.value))
        #expect(outline.edges.filter { $0.from == "b" }.map(\.to) == ["b/s", "b/o"])
    }

    @Test func `cases whose names are numbers stand in the order in which people count`() throws {
        let cases = Dictionary(
            uniqueKeysWithValues: ["1", "2", "10", "part2", "part10"].map {
                ($0, [NodeDefinition.step("s\($0)", handler: 1)])
            })
        let definition = WorkflowDefinition(id: "w", nodes: [.branch("b", resolve: 1, cases: cases)])
        let outline = WorkflowOutline(try DefinitionReader.plan(from: definition.value))
        #expect(outline.edges.filter { $0.kind == .branch }.map(\.label) == ["1", "2", "10", "part2", "part10"])
    }

    @Test func `a function that chooses what follows is a marked edge`() throws {
        let definition = WorkflowDefinition(
            id: "w", nodes: [.step("a", handler: 1, next: .chosen(by: 1)), .step("b", handler: 1)])
        let plan = try DefinitionReader.plan(from: definition.value)
        #expect(WorkflowGraph.mermaid(plan).contains("n1 -.->|\"next()\"| n1x((\" \"))"))
        #expect(WorkflowGraph.dot(plan).contains("n1 -> n1x [style=dotted, label=\"next()\"]"))
        #expect(WorkflowGraph.svg(plan).contains("class=\"edge is-dynamic\""))
    }

    @Test func `lines end at a node or at a round mark, never in the void`() {
        let block = GraphLayout(plan: plan).layout()
        for line in block.lines {
            guard let end = line.points.last else { continue }
            let atNode = block.boxes.contains { box in
                end.x >= box.origin.x - 1 && end.x <= box.origin.x + box.width + 1 && end.y >= box.origin.y - 1
                    && end.y <= box.origin.y + box.height + 1
            }
            let atMark = block.marks.contains {
                abs($0.center.x - end.x) <= GraphLayout.markRadius + 1
                    && abs($0.center.y - end.y) <= GraphLayout.markRadius + 1
            }
            #expect(atNode || atMark, "\(line)")
        }
        #expect(block.marks.contains { $0.kind == .start } && block.marks.contains { $0.kind == .end })
    }

    @Test func `Mermaid text frames the constructs`() {
        let text = WorkflowGraph.mermaid(plan)
        #expect(text.hasPrefix("flowchart TD\n  n1[\"fetch<br>up to 3 attempts\"]\n"))
        #expect(text.contains("n2{\"risk<br>branch\"}"))
        #expect(text.contains("n2 -->|\"storm\"| n4"))
        #expect(text.contains("subgraph n6[\"each<br>foreach, 4 at once\"]"))
        #expect(text.contains("n11([\"pause<br>delay 1m30s\"])"))
        #expect(text.filter { $0 == "\n" }.count > 20)
        #expect(
            text.components("subgraph") == text.components("\n  end") + text.components("\n    end")
                + text.components("\n      end"))
    }

    @Test func `dot text quotes what it must`() throws {
        let odd = WorkflowDefinition(id: "a \"b\" \\", nodes: [.step("x \"y\"", handler: 1)])
        let text = WorkflowGraph.dot(try DefinitionReader.plan(from: odd.value))
        #expect(text.hasPrefix("digraph \"a \\\"b\\\" \\\\\" {"))
        #expect(text.contains("label=\"x \\\"y\\\"\""))
        #expect(WorkflowGraph.dot(plan).contains("n7 -> n") == false)
        #expect(WorkflowGraph.dot(plan).components("{") == WorkflowGraph.dot(plan).components("}"))
    }

    @Test func `a run colours its nodes`() throws {
        let steps = [
            StepSnapshot(
                status: .failed, stepID: "fetch", path: "fetch", node: 1, input: .null, startedAt: 1000,
                finishedAt: 1030, occurrence: 1, attempts: 3)
        ]
        #expect(WorkflowGraph.mermaid(plan, steps: steps).contains("class n1 failed"))
        #expect(WorkflowGraph.dot(plan, steps: steps).contains("fillcolor=\"#fee2e2\""))
        #expect(WorkflowGraph.svg(plan, steps: steps).contains("fill=\"#fee2e2\""))
    }

    @Test func `a picture of a run tells states apart by shape, counts starts and names what was skipped`() throws {
        let definition = WorkflowDefinition(
            id: "w",
            nodes: [
                .foreach("each", items: 1, body: [.step("one", handler: 2)]), .step("last", handler: 3),
                .step("never", handler: 4),
            ])
        let plan = try DefinitionReader.plan(from: definition.value)
        var steps: [StepSnapshot] = []
        for (path, id, node, status, end) in [
            ("each[1]/one", "one", 2, .success, 1030), ("each[2]/one", "one", 2, .success, 1020),
            ("last", "last", 3, .running, nil),
        ] as [(String, String, NodeIndex, RunStatus, Int64?)] {
            steps.append(
                StepSnapshot(
                    status: status, stepID: id, path: path, node: node, input: .null, startedAt: 1000, finishedAt: end,
                    occurrence: 1, attempts: 1))
        }
        let live = WorkflowGraph.svg(plan, steps: steps)
        #expect(live.contains("<g class=\"node is-success\" data-kind=\"step\" data-path=\"each/one\">"))
        #expect(live.contains(">2/2</text>") && live.contains("50ms in all"))
        #expect(live.contains("<g class=\"node is-running\" data-kind=\"step\" data-path=\"last\">"))
        #expect(live.contains("stroke-dasharray=\"6 4\"") && !live.contains("is-skipped\""))
        let over = WorkflowGraph.svg(plan, steps: steps, isOver: true)
        #expect(over.contains("<g class=\"node is-skipped\" data-kind=\"step\" data-path=\"never\" opacity=\"0.55\">"))
        #expect(live.contains("prefers-color-scheme: dark"))
    }

    @Test func `a folded construct is one box that says how much it holds`() {
        let whole = WorkflowGraph.svg(plan)
        #expect(whole.contains("data-kind=\"parallel\" data-folds=\"open\" data-path=\"prepare\""))
        let folded = WorkflowGraph.svg(plan, folded: ["prepare", "nothing"])
        #expect(folded.contains("data-kind=\"parallel\" data-folds=\"closed\" data-path=\"prepare\""))
        #expect(folded.contains("3 inside"))
        #expect(!folded.contains("data-path=\"prepare[left]/create\""))
        #expect(folded.contains("data-path=\"each/translate\""))
        #expect(folded.components("<g") == folded.components("</g>"))
        #expect(folded.count < whole.count)
    }

    @Test func `an SVG picture shows every node within its bounds`() {
        let block = GraphLayout(plan: plan).layout()
        #expect(block.boxes.count == plan.nodes.count - 1)
        for box in block.boxes {
            #expect(
                box.origin.x >= -0.1 && box.origin.x + box.width <= block.width + 0.1,
                "\(plan.details[Int(box.node)].id)")
            #expect(box.origin.y >= -0.1 && box.origin.y + box.height <= block.height + 0.1)
        }
        let text = WorkflowGraph.svg(plan)
        #expect(text.contains("weather: Weather &lt;briefing&gt;"))
        #expect(text.components("<g") == text.components("</g>"))
        #expect(!text.contains("nan") && !text.contains("inf\""))
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `no two boxes overlap, and each lies in its frame`(seed: UInt64) throws {
        let plan = try DefinitionReader.plan(from: WorkflowDefinition(by: Chance(seed)).value)
        let block = GraphLayout(plan: plan).layout()
        for (index, box) in block.boxes.enumerated() {
            #expect(box.origin.x >= -0.1 && box.origin.x + box.width <= block.width + 0.1)
            for frame in block.frames where frame.node == box.node {
                #expect(frame.origin == box.origin && frame.width == box.width && frame.height > box.height)
            }
            for other in block.boxes[(index + 1)...] {
                let apart =
                    box.origin.x + box.width <= other.origin.x || other.origin.x + other.width <= box.origin.x
                    || box.origin.y + box.height <= other.origin.y || other.origin.y + other.height <= box.origin.y
                #expect(apart, "\(plan.details[Int(box.node)].id) and \(plan.details[Int(other.node)].id)")
            }
        }
        _ = WorkflowGraph.mermaid(plan)
        _ = WorkflowGraph.dot(plan)
        #expect(try Value(json: WorkflowGraph.json(plan))["nodes"]?.count == plan.nodes.count - 1)
    }
}

extension String {
    /// How often a part occurs.
    fileprivate func components(_ part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
