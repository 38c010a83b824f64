/// A lock, and a condition that its holders wait for; times are those that pass, whatever is made of the clock. Any thread.
///
/// Where only the lock is needed, `Synchronization.Mutex` is the better one.
package final class Monitor: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        #if !canImport(Darwin)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        #endif
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func lock() { pthread_mutex_lock(mutex) }
    package func unlock() { pthread_mutex_unlock(mutex) }

    /// Wakes one of those that wait; with the lock or without it.
    package func signal() { pthread_cond_signal(condition) }

    /// Gives the lock up until it is signalled, or for no reason; to be called with the lock, and again until what is waited for holds.
    package func wait() { pthread_cond_wait(condition, mutex) }

    /// Waits while `isToWait` holds, which is asked with the lock; to be called with the lock.
    ///
    /// - Returns: false when it still held after `nanoseconds`.
    package func wait(nanoseconds: UInt64, while isToWait: () -> Bool) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let (total, overflow) = UInt64(deadline.tv_nsec).addingReportingOverflow(nanoseconds)
        // Longer than anybody waits.
        let seconds = overflow ? Self.longestWait : min(Int(total / 1_000_000_000), Self.longestWait)
        deadline.tv_sec += seconds
        deadline.tv_nsec = Int(total % 1_000_000_000)
        while isToWait() {
            if pthread_cond_timedwait(condition, mutex, &deadline) != 0 { return !isToWait() }
        }
        return true
    }

    /// In seconds.
    private static let longestWait = 1 << 32
}
