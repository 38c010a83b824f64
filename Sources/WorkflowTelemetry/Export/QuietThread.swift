internal import Platform
internal import WorkflowEngine

/// A thread for tasks that have time: the scheduler prefers every other thread of the process to it.
///
/// So that what runs write down about themselves takes at most one core, and that one only where nobody else needs it.
final class QuietThread: TaskExecutor {
    private enum Message: Sendable {
        case job(UnownedJob)
        case end
    }

    private let queue = Inbox<Message>()

    init() {
        WorkerThread.start { [queue, self] in
            Self.yieldToOthers()
            var messages: [Message] = []
            while true {
                queue.take(into: &messages, waiting: nil)
                for message in messages {
                    switch message {
                    case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
                    case .end: return
                    }
                }
                messages.removeAll(keepingCapacity: true)
            }
        }
    }

    func enqueue(_ job: consuming ExecutorJob) { queue.post(.job(UnownedJob(job))) }

    /// Ends the thread. To be called when its tasks are over.
    func end() { queue.post(.end, closing: true) }

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
