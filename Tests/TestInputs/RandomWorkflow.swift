internal import FlatValue
package import WorkflowCore

/// Decisions by a seed, so that a failure can be repeated.
package final class Chance {
    private var numbers: SplitMix

    package init(_ seed: UInt64) { numbers = SplitMix(seed: seed) }

    package func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &numbers) }

    package func happens(_ percent: Int) -> Bool { below(100) < percent }
}

extension WorkflowDefinition {
    /// A workflow of every construct.
    ///
    /// Its callbacks: 1 answers its input, 2 may fail, 3 chooses of `a`, `b` and none, 4 is a condition, 5 makes items,
    /// 6 seconds, 8 may fail at the end of a scope, 9 goes back or on.
    package init(by chance: Chance) {
        var count = 0
        let nodes = Self.body(chance, depth: 0, &count)
        let handler: UInt32? = chance.happens(50) ? 2 : nil
        self.init(id: "random", onSuccess: handler, onFailure: handler, onCancel: handler, nodes: nodes)
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
}
