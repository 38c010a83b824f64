internal import Synchronization

extension WorkflowEngine {
    /// ``RunDirectory/releaseAll(within:)`` of an engine that has a catalog; none of the others has runs of its own to give back.
    package func releaseAll(within grace: Duration) async {
        guard let directory = try? knownRuns() else { return }
        await directory.releaseAll(within: grace)
    }
}

extension RunDirectory {
    /// How many runs this engine drives.
    public var liveCount: Int { live.all.count }

    /// Gives all runs back to the store: nothing more of them begins, and what is under way may end within `grace`. Runs that wait
    /// for others alone are given back once those are.
    public func releaseAll(within grace: Duration) async {
        live.leaving.wrappingAdd(1, ordering: .sequentiallyConsistent)
        defer { live.leaving.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
        await withTaskGroup { group in
            for run in live.all { group.addTask { try? await run.release(within: grace, endsCancelled: true) } }
        }
    }
}
