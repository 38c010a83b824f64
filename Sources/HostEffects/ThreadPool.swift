internal import Platform

/// Threads for work that blocks, or that takes long between two of its waits: the ones that all other tasks of the process share
/// are as many as it has cores, so that a few such operations would hold up every timer and connection.
///
/// A thread starts when there is work and none is idle, up to a number, and ends when it has had nothing to do for a while.
final class ThreadPool: TaskExecutor, @unchecked Sendable {
    /// For the file system.
    static let files = ThreadPool(limit: 8)
    /// For what goes over the network.
    static let exchanges = ThreadPool(limit: 8)

    private let limit: Int
    private let monitor = Monitor()
    // All that follows is used with the lock held.
    private var jobs: [UnownedJob] = []
    /// The jobs before this one have begun.
    private var next = 0
    private var threads = 0
    private var idle = 0

    /// How long an idle thread waits for work, in nanoseconds.
    private static let patience: UInt64 = 10_000_000_000

    init(limit: Int) { self.limit = limit }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        monitor.lock()
        jobs.append(job)
        let isShort = jobs.count - next > idle && threads < limit
        if isShort { threads += 1 }
        monitor.signal()
        monitor.unlock()
        guard isShort, DetachedThread.start({ [self] in work() }) != 0 else { return }
        // The system has no thread to give: another one of these takes the job, or the caller's does.
        monitor.lock()
        threads -= 1
        let own = threads == 0 ? taken() : nil
        monitor.unlock()
        own?.runSynchronously(on: asUnownedTaskExecutor())
    }

    private func work() {
        monitor.lock()
        while true {
            if let job = taken() {
                monitor.unlock()
                job.runSynchronously(on: asUnownedTaskExecutor())
                monitor.lock()
            } else if !waitsForWork() {
                break
            }
        }
        threads -= 1
        monitor.unlock()
    }

    /// False when nothing came in time.
    private func waitsForWork() -> Bool {
        idle += 1
        defer { idle -= 1 }
        return monitor.wait(nanoseconds: Self.patience) { next == jobs.count }
    }

    private func taken() -> UnownedJob? {
        guard next < jobs.count else { return nil }
        let job = jobs[next]
        next += 1
        if next == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            next = 0
        } else if next >= 1024, next * 2 > jobs.count {
            jobs.removeFirst(next)
            next = 0
        }
        return job
    }
}
