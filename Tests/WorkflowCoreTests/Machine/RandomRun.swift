import FlatValue
import TestInputs

@testable import WorkflowCore

/// Drives a workflow made at random in a random order of answers.
final class RandomRun {
    private let chance: Chance
    let run: TestRun
    /// How many of a hundred turns ask the run to stop, and how many kill the process.
    private let cancels: Bool
    private let crashes: Bool

    init(seed: UInt64, cancels: Bool = false, crashes: Bool = false, failures: Int = 4) throws {
        let chance = Chance(seed)
        self.chance = chance
        self.cancels = cancels
        self.crashes = crashes
        run = TestRun(plan: try DefinitionReader.plan(from: WorkflowDefinition(by: chance).value))
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

    /// Whether each frame knows the frames that lie in it.
    private var knowsBodies: Bool {
        let frames = run.machine.frames.elements
        return frames.indices.allSatisfy { ancestor in
            guard frames[ancestor].phase != .free, run.machine.closing == nil else { return true }
            let below = frames.indices.filter { index in
                guard frames[index].phase != .free else { return false }
                var parent = frames[index].parent
                while parent >= 0, parent != ancestor { parent = frames[Int(parent)].parent }
                return parent == ancestor
            }
            return run.machine.bodies(below: Int32(ancestor)) == below.map(Int32.init)
        }
    }

    private func turn() throws {
        if run.log.count % 8 == 0, !knowsBodies { throw Stuck(story: run.story) }
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

    /// Nothing is left to do, and the run is not over; or its frames do not know each other.
    struct Stuck: Error {
        var story: [String]
    }
}
