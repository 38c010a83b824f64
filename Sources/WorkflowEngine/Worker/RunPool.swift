internal import Synchronization
internal import WorkflowCore

/// What the runs of one workflow share on one worker: the executor, and the objects of runs that are over.
package final class RunPool {
    package let definition: Workflow
    package let executor: any StepExecutor
    /// Runs that are over and that nobody looks at any more.
    private var spare: [Run] = []
    private var isClosed = false
    private var tokens: Range<UInt64> = 0..<0

    private static let nextTokens = Atomic<UInt64>(1)
    private static let tokenBlock: UInt64 = 256

    init(definition: Workflow, executor: any StepExecutor) {
        self.definition = definition
        self.executor = executor
    }

    /// A run of the workflow, at best an object that is used again.
    func take(id: String?, now: Int64) -> Run {
        guard id == nil, let run = spare.popLast() else { return Run(pool: self, id: id, now: now) }
        run.reuse(now: now)
        return run
    }

    func put(_ run: Run) {
        if !isClosed { spare.append(run) }
    }

    /// Lets go of the spare runs, which hold on to the pool, and keeps none from now on.
    func close() {
        isClosed = true
        spare = []
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
