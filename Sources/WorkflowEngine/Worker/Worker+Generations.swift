internal import Synchronization

/// The executors of the generations whose runs a worker drives, and new runs.
extension Worker {
    /// The executor of a generation on this worker, made when it is first asked for.
    package func executor(of generation: Generation) throws -> any StepExecutor {
        if let known = executors[ObjectIdentifier(generation)] { return known.executor }
        let executor = try generation.makeExecutor()
        if !generation.isRetired { adopt(executor, for: generation) }
        return executor
    }

    /// Keeps an executor that was made while its script was loaded.
    package func adopt(_ executor: any StepExecutor, for generation: Generation) {
        executors[ObjectIdentifier(generation)] = GenerationExecutor(generation: generation, executor: executor)
        interrupters.withLock { $0[ObjectIdentifier(generation)] = executor.interrupter }
    }

    /// Forgets a generation; its VM goes with the last run that uses it.
    package func drop(_ generation: Generation) {
        interrupters.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(generation)) }
        executors[ObjectIdentifier(generation)] = nil
        for (key, pool) in pools where pool.definition.generation === generation { pools[key] = nil }
        latestPool = nil
        generation.driver?.retire(on: self)
        timers.removeAll { $0.isOver && $0.definition.generation === generation }
    }

    /// A new run of a workflow.
    ///
    /// - Parameter id: one that no other run has; nil for a new one.
    package func makeRun(_ definition: Workflow, id: String?) throws -> Run {
        if let pool = latestPool, pool.definition === definition { return Run(pool: pool, id: id, now: now) }
        return Run(pool: try pool(of: definition), id: id, now: now)
    }

    private func pool(of definition: Workflow) throws -> RunPool {
        let key = ObjectIdentifier(definition)
        let pool = try pools[key] ?? RunPool(definition: definition, executor: executor(of: definition.generation))
        // The pool of a generation that is retired goes with the runs that it makes.
        if !definition.generation.isRetired {
            pools[key] = pool
            latestPool = pool
        }
        return pool
    }
}

/// A worker's executor of a generation. It holds the generation, whose identity would else pass on to a later one.
struct GenerationExecutor {
    let generation: Generation
    let executor: any StepExecutor
}
