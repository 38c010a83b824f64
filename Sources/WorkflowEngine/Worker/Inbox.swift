internal import Platform
internal import Synchronization

/// The queue of one thread, a worker's or a journal's writer's: many threads post, one takes everything at once.
///
/// Only a thread that sleeps is signalled; one that works looks by itself.
package final class Inbox<Message>: @unchecked Sendable {
    private let monitor = Monitor()
    private var messages: [Message] = []
    private var sleeping = false
    private var closed = false
    /// Lets the owner see without the lock that nothing has come.
    private let isFilled = Atomic<Bool>(false)

    package init() {}

    /// Whether something has come that was not taken.
    package var hasMessages: Bool { isFilled.load(ordering: .acquiring) }

    /// Adds a message; may be called from any thread.
    ///
    /// - Parameter closing: whether this message is the last one that is taken.
    /// - Returns: false when the queue is closed, and the message was not taken.
    @discardableResult
    package func post(_ message: Message, closing: Bool = false) -> Bool {
        monitor.lock()
        if closed {
            monitor.unlock()
            return false
        }
        closed = closing
        messages.append(message)
        isFilled.store(true, ordering: .releasing)
        let wake = sleeping
        sleeping = false
        monitor.unlock()
        if wake { monitor.signal() }
        return true
    }

    /// Swaps what has come with an empty array; sleeps for up to `nanoseconds` while there is nothing (nil: for ever).
    package func take(into taken: inout [Message], waiting nanoseconds: UInt64?) {
        if nanoseconds == 0, !hasMessages { return }
        monitor.lock()
        if messages.isEmpty, nanoseconds != 0 {
            sleeping = true
            if let nanoseconds {
                _ = monitor.wait(nanoseconds: nanoseconds) { messages.isEmpty }
            } else {
                while messages.isEmpty { monitor.wait() }
            }
            sleeping = false
        }
        swap(&messages, &taken)
        isFilled.store(false, ordering: .releasing)
        monitor.unlock()
    }
}
