internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// A thread for tasks that have time: the scheduler prefers every other thread of the process to it.
///
/// So that what runs write down about themselves takes at most one core, and that one only where nobody else needs it. When there
/// is little time left ``hurry()`` has another thread go on, since a thread may not raise its own priority.
final class QuietThread: TaskExecutor {
    private enum Message: Sendable {
        case job(UnownedJob)
        case end
    }

    /// Where jobs go: the queue of the thread that works now.
    private let queue: Mutex<Inbox<Message>>
    private let isHurried = Atomic<Bool>(false)

    init() {
        let first = Inbox<Message>()
        queue = Mutex(first)
        work(on: first, isQuiet: true)
    }

    private func work(on own: Inbox<Message>, isQuiet: Bool) {
        WorkerThread.start { [self] in
            if isQuiet { Self.yieldToOthers() }
            var messages: [Message] = []
            while true {
                own.take(into: &messages, waiting: nil)
                for message in messages {
                    switch message {
                    case .job(let job):
                        if isQuiet, isHurried.load(ordering: .acquiring) {
                            post(job)
                        } else {
                            job.runSynchronously(on: asUnownedTaskExecutor())
                        }
                    case .end: return
                    }
                }
                messages.removeAll(keepingCapacity: true)
            }
        }
    }

    func enqueue(_ job: consuming ExecutorJob) { post(UnownedJob(job)) }

    private func post(_ job: UnownedJob) {
        var last: Inbox<Message>?
        while true {
            let current = queue.withLock { $0 }
            // A queue that was left in between takes nothing, and the last one nothing after its end.
            if current === last || current.post(.job(job)) { return }
            last = current
        }
    }

    /// Goes on with another thread of the usual priority, which takes over whatever has not begun. To be called once.
    func hurry() {
        let next = Inbox<Message>()
        let last = queue.withLock { queue in
            defer { queue = next }
            return queue
        }
        isHurried.store(true, ordering: .releasing)
        work(on: next, isQuiet: false)
        last.post(.end, closing: true)
    }

    /// Ends the thread. To be called when its tasks are over.
    func end() { queue.withLock { $0 }.post(.end, closing: true) }

    private static func yieldToOthers() {
        #if canImport(Darwin)
            pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0)
        #elseif canImport(Glibc)
            // Of this thread alone, in Linux.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        #else
            setpriority(Int32(PRIO_PROCESS), 0, 10)
        #endif
    }
}
