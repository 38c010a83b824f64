extension RunDirectory {
    /// How many runs this engine drives.
    public var liveCount: Int { live.all.count }

    /// Gives all runs back to the store: nothing more of them begins, and what is under way may end within `grace`.
    public func releaseAll(within grace: Duration) async {
        await withTaskGroup { group in
            for run in live.all { group.addTask { try? await run.release(within: grace, endsCancelled: true) } }
        }
    }
}
