internal import HummingbirdCore
internal import Logging
internal import NIOCore

/// A connection whose tasks run on the thread of its event loop, so that a request is read, answered and written without a change
/// of threads. What takes long there holds up the other connections of the loop.
struct LoopChannel<Inner: ServerChildChannel>: ServerChildChannel {
    private let inner: Inner

    init(_ inner: Inner) { self.inner = inner }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Inner.Value> {
        inner.setup(channel: channel, logger: logger)
    }

    func handle(value: Inner.Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
            await inner.handle(value: value, logger: logger)
        }
    }
}

/// Runs tasks on an event loop, which outlives them.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
