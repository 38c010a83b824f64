package import FlatValue

/// What calls of models used: tokens, and what they cost in the currency of the prices that scripts give.
package struct ModelUsage: Sendable, Equatable {
    package var calls: Int64 = 0
    package var inputTokens: Int64 = 0
    package var outputTokens: Int64 = 0
    /// Those of the input tokens that the provider had kept.
    package var cachedInputTokens: Int64 = 0
    /// 0 where no prices are known.
    package var cost = 0.0

    package init() {}

    /// Reads one call's record `{ usage: { inputTokens, outputTokens, cachedInputTokens, cost? } }`; what is no count is 0.
    package init(of record: ValueCursor) {
        func count(_ name: String) -> Int64 { Self.count(record["usage"]?[key: name]) }
        calls = 1
        inputTokens = count("inputTokens")
        outputTokens = count("outputTokens")
        cachedInputTokens = count("cachedInputTokens")
        let cost = record["usage"]?["cost"]?.number ?? 0
        if cost.isFinite, cost > 0 { self.cost = cost }
    }

    /// As many tokens as are counted: whatever servers say, and however often, sums stay in range.
    private static let most: Int64 = 1 << 50

    /// A number of tokens as somebody says it, at most as many as are counted; 0 for what is no count.
    package static func count(_ given: ValueCursor?) -> Int64 {
        let number = given?.int ?? given?.double.flatMap { Int64(exactly: $0.rounded()) } ?? 0
        return min(max(number, 0), most)
    }

    package static func count(_ given: Value?) -> Int64 { given?.withCursor { count($0) } ?? 0 }

    package var totalTokens: Int64 { inputTokens.clamped(adding: outputTokens) }

    /// The form in which it leaves the engine.
    package var value: Value {
        [
            "calls": Value(calls), "inputTokens": Value(inputTokens), "outputTokens": Value(outputTokens),
            "cachedInputTokens": Value(cachedInputTokens), "cost": Value(sum),
        ]
    }

    /// The form that scripts see.
    package var scriptValue: Value {
        [
            "input_tokens": Value(inputTokens), "output_tokens": Value(outputTokens),
            "cached_input_tokens": Value(cachedInputTokens), "cost": Value(sum),
        ]
    }

    package static func += (left: inout ModelUsage, right: ModelUsage) {
        func sum(_ one: Int64, _ other: Int64) -> Int64 { min(one.clamped(adding: other), most) }
        left.calls = sum(left.calls, right.calls)
        left.inputTokens = sum(left.inputTokens, right.inputTokens)
        left.outputTokens = sum(left.outputTokens, right.outputTokens)
        left.cachedInputTokens = sum(left.cachedInputTokens, right.cachedInputTokens)
        left.cost += right.cost
    }

    /// The cost without what adding many small amounts leaves in the last digits.
    private var sum: Double {
        let rounded = (cost * 1e9).rounded() / 1e9
        return rounded.isFinite ? rounded : cost
    }
}

extension RunMachine {
    /// What the models have used that were called in a frame and below it, since its node started.
    package func usage(below frame: Int32) -> ModelUsage { usages[frame] ?? ModelUsage() }

    mutating func use(_ usage: ModelUsage, below frame: Int32) {
        var frame = frame
        while frame >= 0, frames.indices.contains(Int(frame)) {
            usages[frame, default: ModelUsage()] += usage
            frame = frames[Int(frame)].parent
        }
    }
}

extension RunLog {
    /// What all models of the run have used.
    package var usage: ModelUsage {
        var usage = ModelUsage()
        for index in 0..<count where self[index].kind == .modelCalled {
            usage += ModelUsage(of: value(self[index].payload))
        }
        return usage
    }
}
