internal import Platform
internal import Synchronization

/// The queue of one thread, a worker's or a journal's writer's: many threads post, one takes everything at once.
///
/// Only a thread that sleeps is signalled; one that works looks by itself. `pthread` is used because the thread sleeps
/// until a deadline, which `Mutex` has no condition variable for.
package final class Inbox<Message>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var messages: [Message] = []
    private var sleeping = false
    private var closed = false
    /// Lets the owner see without the lock that nothing has come.
    private let isFilled = Atomic<Bool>(false)

    package init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
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

    /// Whether something has come that was not taken.
    package var hasMessages: Bool { isFilled.load(ordering: .acquiring) }

    /// Adds a message; may be called from any thread.
    ///
    /// - Parameter closing: whether this message is the last one that is taken.
    /// - Returns: false when the queue is closed, and the message was not taken.
    @discardableResult
    package func post(_ message: Message, closing: Bool = false) -> Bool {
        pthread_mutex_lock(mutex)
        if closed {
            pthread_mutex_unlock(mutex)
            return false
        }
        closed = closing
        messages.append(message)
        isFilled.store(true, ordering: .releasing)
        let wake = sleeping
        sleeping = false
        pthread_mutex_unlock(mutex)
        if wake { pthread_cond_signal(condition) }
        return true
    }

    /// Swaps what has come with an empty array; sleeps for up to `nanoseconds` while there is nothing (nil: for ever).
    package func take(into taken: inout [Message], waiting nanoseconds: UInt64?) {
        if nanoseconds == 0, !hasMessages { return }
        pthread_mutex_lock(mutex)
        if messages.isEmpty, nanoseconds != 0 {
            sleeping = true
            if let nanoseconds {
                var deadline = timespec()
                clock_gettime(CLOCK_MONOTONIC, &deadline)
                let total = UInt64(deadline.tv_nsec) + nanoseconds
                deadline.tv_sec += Int(total / 1_000_000_000)
                deadline.tv_nsec = Int(total % 1_000_000_000)
                while messages.isEmpty, pthread_cond_timedwait(condition, mutex, &deadline) == 0 {}
            } else {
                while messages.isEmpty { pthread_cond_wait(condition, mutex) }
            }
            sleeping = false
        }
        swap(&messages, &taken)
        isFilled.store(false, ordering: .releasing)
        pthread_mutex_unlock(mutex)
    }
}
