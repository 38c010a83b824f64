@testable import WorkflowCore

/// Makes a workflow of every construct at random, and drives it in a random order of answers.
final class RandomRun {
    private final class Chance {
        var numbers: SplitMix
        init(_ seed: UInt64) { numbers = SplitMix(seed: seed) }
        func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &numbers) }
        func happens(_ percent: Int) -> Bool { below(100) < percent }
    }

    private let chance: Chance
    private var nodeCount = 0
    let run: TestRun
    /// How many of a hundred turns ask the run to stop, and how many kill the process.
    private let cancels: Bool
    private let crashes: Bool

    init(seed: UInt64, cancels: Bool = false, crashes: Bool = false, failures: Int = 4) throws {
        let chance = Chance(seed)
        self.chance = chance
        self.cancels = cancels
        self.crashes = crashes
        var count = 0
        let nodes = Self.body(chance, depth: 0, &count)
        let handler: UInt32? = chance.happens(50) ? 2 : nil
        let definition = WorkflowDefinition(
            id: "random", onSuccess: handler, onFailure: handler, onCancel: handler, nodes: nodes)
        run = TestRun(plan: try DefinitionReader.plan(from: definition.value))
        run.callbacks = [
            1: { .value($0) },
            2: { chance.happens(failures) ? .failure("by chance", retryable: chance.happens(70)) : .value($0) },
            3: { _ in .value(([nil, "a", "b", "a"] as [Value])[chance.below(4)]) },
            4: { _ in .value(Value(chance.happens(60))) },
            5: { _ in .value(Value(array: (0..<chance.below(5)).map { ["n": Value(Int64($0))] as Value })) },
            6: { _ in .value(Value(Double(chance.below(50)) / 10)) },
            8: { chance.happens(failures / 2) ? .failure("at the end") : .value($0) },
            9: { _ in .value(chance.happens(25) ? "back" : Value.null) },
        ]
    }

    private static func body(_ chance: Chance, depth: Int, _ count: inout Int) -> [NodeDefinition] {
        var nodes: [NodeDefinition] = []
        let length = 1 + chance.below(depth == 0 ? 4 : 2)
        for _ in 0..<length { nodes.append(node(chance, depth: depth, &count)) }
        if chance.happens(15) {
            nodes.insert(.step("back", handler: 1), at: 0)
            nodes.append(.step("jump", handler: 1, next: .chosen(by: 9)))
        }
        return nodes
    }

    private static func node(_ chance: Chance, depth: Int, _ count: inout Int) -> NodeDefinition {
        count += 1
        let id = "n\(count)"
        let kind = chance.below(depth >= 3 || count > 24 ? 6 : 12)
        switch kind {
        case 0: return .step(id, handler: 2)
        case 1: return .step(id, handler: 2, retry: .init(maxAttempts: 2), compensate: 2)
        case 2: return .step(id, handler: 2, retry: .init(maxAttempts: 1 + chance.below(3), initial: .milliseconds(5)))
        case 3:
            let isTimed = chance.happens(30)
            return .human(
                id, timeout: isTimed ? .seconds(3) : nil,
                fallback: isTimed && chance.happens(50) ? Value(true) : Value?.none)
        case 4: return .delay(id, chance.happens(50) ? .fixed(.milliseconds(chance.below(900))) : .chosen(by: 6))
        case 5:
            return .waitFor(
                id, event: ["red", "blue"][chance.below(2)], timeout: chance.happens(50) ? .seconds(2) : nil)
        case 6:
            return .branch(
                id, resolve: 3,
                cases: ["a": body(chance, depth: depth + 1, &count), "b": body(chance, depth: depth + 1, &count)],
                otherwise: chance.happens(50) ? body(chance, depth: depth + 1, &count) : nil)
        case 7:
            return .loop(
                id, condition: 4, prepareNextInput: chance.happens(30) ? 1 : nil, collect: chance.happens(30) ? 8 : nil,
                body: body(chance, depth: depth + 1, &count))
        case 8, 9:
            return .foreach(
                id, items: 5, concurrency: 1 + chance.below(3), collect: chance.happens(40) ? 8 : nil,
                continuesAfterErrors: chance.happens(40), body: body(chance, depth: depth + 1, &count))
        case 10:
            let inner = WorkflowDefinition(
                id: id, finalize: chance.happens(40) ? 8 : nil, nodes: body(chance, depth: depth + 1, &count))
            return .workflow(inner)
        default:
            return .parallel(
                id,
                branches: [
                    "left": body(chance, depth: depth + 1, &count), "right": body(chance, depth: depth + 1, &count),
                ],
                aggregate: chance.happens(30) ? 8 : nil, waitsForAll: chance.happens(50))
        }
    }

    /// Goes on until the run is over; the order of answers, replies, signals, cancels and crashes is up to chance.
    func finish() throws {
        if run.log.count == 0 { try run.start(["seed": true]) }
        var turns = 0
        while !run.machine.isOver, turns < 20_000 {
            turns += 1
            if cancels, turns > 3, chance.happens(2), run.machine.cancelRequest.isNone {
                try run.cancel()
                continue
            }
            if crashes, chance.happens(2) {
                try run.crash()
                continue
            }
            try turn()
        }
    }

    private func turn() throws {
        let humans = run.humans
        let signals = run.machine.frames.elements.filter {
            $0.phase == .waiting && run.plan.nodes[Int($0.node)].kind == .waitFor
        }
        let choices = run.pending.count + humans.count + (signals.isEmpty ? 0 : 1)
        guard choices > 0 else { throw Stuck(story: run.story) }
        let pick = chance.below(choices)
        if pick < run.pending.count {
            try run.carryOut(run.pending.remove(at: pick))
        } else if pick < run.pending.count + humans.count {
            try run.reply(["ok": true], at: run.machine.path(of: humans[pick - run.pending.count]))
        } else {
            try run.signal(["red", "blue", "green"][chance.below(3)], ["n": 1])
        }
    }

    /// Nothing is left to do, and the run is not over.
    struct Stuck: Error {
        var story: [String]
    }
}
