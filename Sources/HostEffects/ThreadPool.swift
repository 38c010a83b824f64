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
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    // All that follows is used with the mutex held.
    private var jobs: [UnownedJob] = []
    /// The jobs before this one have begun.
    private var next = 0
    private var threads = 0
    private var idle = 0

    /// How long an idle thread waits for work, in seconds.
    private static let patience = 10

    init(limit: Int) {
        self.limit = limit
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(job)
        let isShort = jobs.count - next > idle && threads < limit
        if isShort { threads += 1 }
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
        guard isShort, DetachedThread.start({ [self] in work() }) != 0 else { return }
        // The system has no thread to give: another one of these takes the job, or the caller's does.
        pthread_mutex_lock(mutex)
        threads -= 1
        let own = threads == 0 ? taken() : nil
        pthread_mutex_unlock(mutex)
        own?.runSynchronously(on: asUnownedTaskExecutor())
    }

    private func work() {
        pthread_mutex_lock(mutex)
        while true {
            if let job = taken() {
                pthread_mutex_unlock(mutex)
                job.runSynchronously(on: asUnownedTaskExecutor())
                pthread_mutex_lock(mutex)
            } else if !waitsForWork() {
                break
            }
        }
        threads -= 1
        pthread_mutex_unlock(mutex)
    }

    /// False when nothing came in time.
    private func waitsForWork() -> Bool {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        end.tv_sec += Self.patience
        idle += 1
        defer { idle -= 1 }
        return pthread_cond_timedwait(condition, mutex, &end) == 0 || next < jobs.count
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
