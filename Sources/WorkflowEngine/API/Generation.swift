internal import Synchronization

/// The code of one version of a script; every worker that runs it has an executor of its own.
///
/// Several generations live side by side in one engine: a run keeps the one that it began with to its end.
package final class Generation: Sendable {
    /// The hash of the script and its modules; empty for code that is not kept.
    package let id: String
    /// The path of the script that it is a version of; empty for code that is not kept.
    package let origin: String
    /// Makes an executor for the worker whose thread calls it.
    package let makeExecutor: @Sendable () throws -> any StepExecutor
    /// What drives its runs in another process; nil where workers of this one do.
    package let driver: (any RunDriving)?
    private let retired = Atomic<Bool>(false)

    package init(id: String, origin: String = "", makeExecutor: @escaping @Sendable () throws -> any StepExecutor) {
        self.id = id
        self.origin = origin
        self.makeExecutor = makeExecutor
        driver = nil
    }

    /// A generation whose code runs in another process.
    package init(id: String, origin: String, driver: any RunDriving) {
        self.id = id
        self.origin = origin
        self.driver = driver
        makeExecutor = { AbsentExecutor() }
    }

    /// Whether workers keep nothing of it for later runs.
    package var isRetired: Bool { retired.load(ordering: .acquiring) }

    fileprivate func retire() { retired.store(true, ordering: .releasing) }
}

extension WorkflowEngine {
    /// Has every worker make its executor of a generation now, so that no first run waits for that.
    package func prepare(_ generation: Generation) {
        // What fails here fails again, and is told, when a run asks for it.
        for worker in workers { worker.perform { _ = try? $0.executor(of: generation) } }
    }

    /// Gives a generation up for new runs: its VMs go with the last of its runs and the handles of these.
    package func retire(_ generation: Generation) {
        generation.retire()
        for worker in workers { worker.perform { $0.drop(generation) } }
    }
}
