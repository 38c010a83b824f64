internal import WorkflowEngine

/// A thread for the asynchronous code of a VM process, whose system gives it neither the descriptors nor the files that the
/// usual threads need.
final class Lane: TaskExecutor {
    private let jobs = Inbox<UnownedJob>()

    init() {
        WorkerThread.start { [self] in
            var taken: [UnownedJob] = []
            while true {
                jobs.take(into: &taken, waiting: nil)
                for job in taken { job.runSynchronously(on: asUnownedTaskExecutor()) }
                taken.removeAll(keepingCapacity: true)
            }
        }
    }

    func enqueue(_ job: consuming ExecutorJob) { jobs.post(UnownedJob(job)) }

    /// Runs asynchronous code that waits for nothing but other threads of this process.
    func perform(_ body: @escaping @Sendable () async -> Void) { Task(executorPreference: self) { await body() } }
}
