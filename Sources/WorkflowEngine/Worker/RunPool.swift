internal import Synchronization
internal import WorkflowCore

/// What the runs of one workflow share on one worker.
package final class RunPool {
    package let definition: Workflow
    package let executor: any StepExecutor
    private var tokens: Range<UInt64> = 0..<0

    private static let nextTokens = Atomic<UInt64>(1)
    private static let tokenBlock: UInt64 = 256

    init(definition: Workflow, executor: any StepExecutor) {
        self.definition = definition
        self.executor = executor
    }

    /// A number that no other run of the process gets. Blocks of them are fetched: a counter that all workers change
    /// for each run slows them all.
    func takeToken() -> UInt64 {
        if tokens.isEmpty { tokens = Self.fetchTokens(Self.tokenBlock) }
        defer { tokens = tokens.lowerBound + 1..<tokens.upperBound }
        return tokens.lowerBound
    }

    /// Numbers that nobody else gets; may be called from any thread.
    static func fetchTokens(_ count: UInt64) -> Range<UInt64> {
        let end = nextTokens.wrappingAdd(count, ordering: .relaxed).newValue
        return end - count..<end
    }
}
