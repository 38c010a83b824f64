internal import Synchronization

/// Wakes a thread that waits in `poll`. Any thread may use it.
///
/// It is a pipe that is closed in programs that the process starts. Where the process has no descriptors left there is none:
/// then nothing wakes the thread, which has to look by itself, ``interval`` at a time.
package final class WakeUp: Sendable {
    /// Readable once ``wake()`` was called, until ``clear()`` is; -1, which `poll` passes over, where there is no pipe and after
    /// ``close()``.
    package var descriptor: Int32 { ends.withLock { $0.reading } }

    /// The longest that a thread may wait in `poll`, in nanoseconds; nil for any time.
    package var interval: UInt64? { descriptor < 0 ? 50_000_000 : nil }

    private let ends: Mutex<Ends>

    private struct Ends {
        var reading: Int32 = -1
        var writing: Int32 = -1
    }

    package init() {
        var numbers: [Int32] = [-1, -1]
        guard pipe(&numbers) == 0 else {
            ends = Mutex(Ends())
            return
        }
        for end in numbers {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        ends = Mutex(Ends(reading: numbers[0], writing: numbers[1]))
    }

    deinit { close() }

    package func wake() {
        // A pipe that is full is readable already.
        ends.withLock {
            var byte: UInt8 = 1
            if $0.writing >= 0 { _ = write($0.writing, &byte, 1) }
        }
    }

    /// Waits until it was woken, or for so long; longer than ``interval`` never.
    ///
    /// - Parameter milliseconds: as `poll` takes them, -1 for any time.
    package func wait(milliseconds: Int32) {
        var milliseconds = milliseconds
        if let interval {
            let most = Int32(clamping: interval / 1_000_000)
            milliseconds = milliseconds < 0 ? most : min(milliseconds, most)
        }
        var polls = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&polls, 1, milliseconds)
    }

    /// Forgets that it was woken.
    package func clear() {
        let descriptor = descriptor
        guard descriptor >= 0 else { return }
        var bytes: UInt64 = 0
        while read(descriptor, &bytes, 8) > 0 {}
    }

    /// Closes the pipe; what is done afterwards does nothing. Called by the thread that waits, once it waits no more.
    package func close() {
        ends.withLock {
            if $0.reading >= 0 { closeDescriptor($0.reading) }
            if $0.writing >= 0 { closeDescriptor($0.writing) }
            $0 = Ends()
        }
    }
}

private func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }
