internal import Platform
internal import Synchronization

/// Tasks that run on the worker's thread, in turn with its runs.
extension Worker {
    /// Whether this is the worker's thread.
    private var isCurrent: Bool { thread.load(ordering: .acquiring) == currentThread() }

    /// Whether code of a task runs on this thread now, so that a run may begin at once.
    var isTurnedToTask: Bool { isCurrent && isInTask }

    /// Has a run begun by `body`: at once where a task of the worker's own asks for it, as long as its part of the turn is not over;
    /// else as soon as its thread comes to it. From any thread.
    ///
    /// - Returns: false when the engine has stopped, and `body` will not run.
    func begin(_ body: sending @escaping (Worker) -> Void) -> Bool {
        guard isTurnedToTask, closing == nil else { return perform(body) }
        readTime()
        guard !isPartOver else { return perform(body) }
        isInTask = false
        body(self)
        isInTask = true
        return true
    }

    /// Carries a task on until it waits; on the worker's thread.
    func carryOn(_ job: UnownedJob, on executor: WorkerExecutor) {
        isInTask = true
        job.runSynchronously(on: executor.asUnownedTaskExecutor())
        isInTask = false
    }
}

/// Runs tasks on the thread of a worker; those that go on when it has ended get a thread of their own.
final class WorkerExecutor: TaskExecutor {
    private let worker: Worker

    init(_ worker: Worker) { self.worker = worker }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !worker.post(.job(job, self)) {
            WorkerThread.start { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }
}
