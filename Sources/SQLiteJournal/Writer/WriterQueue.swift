#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What waits for the writer: many threads post, the writer takes everything at once.
///
/// Only a writer that sleeps is signalled. `pthread` is used because the writer sleeps until a deadline, which `Mutex` has
/// no condition variable for.
final class WriterQueue<Message>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var messages: [Message] = []
    private var sleeping = false
    private var closed = false

    init() {
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

    /// Adds a message from any thread; false if the queue takes none any more.
    func post(_ message: Message, closing: Bool = false) -> Bool {
        pthread_mutex_lock(mutex)
        if closed {
            pthread_mutex_unlock(mutex)
            return false
        }
        closed = closing
        messages.append(message)
        let wake = sleeping
        sleeping = false
        pthread_mutex_unlock(mutex)
        if wake { pthread_cond_signal(condition) }
        return true
    }

    /// Swaps what has come with an empty array; sleeps for up to `microseconds` while there is nothing (nil: for ever).
    func take(into taken: inout [Message], waiting microseconds: Int64?) {
        pthread_mutex_lock(mutex)
        if messages.isEmpty {
            sleeping = true
            if let microseconds {
                var deadline = timespec()
                clock_gettime(CLOCK_REALTIME, &deadline)
                let total = Int64(deadline.tv_nsec) + max(microseconds, 0) * 1000
                deadline.tv_sec += Int(total / 1_000_000_000)
                deadline.tv_nsec = Int(total % 1_000_000_000)
                while messages.isEmpty, pthread_cond_timedwait(condition, mutex, &deadline) == 0 {}
            } else {
                while messages.isEmpty { pthread_cond_wait(condition, mutex) }
            }
            sleeping = false
        }
        swap(&messages, &taken)
        pthread_mutex_unlock(mutex)
    }
}
