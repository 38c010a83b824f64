internal import CVMProcess
internal import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// The way from a VM process to its host. Any thread; a host that is slow holds up whoever sends, and one that is gone ends the
/// process.
final class HostLine: Sendable {
    /// Lines of logs that have not been sent, and what they take; under the lock, so that no frame overtakes them.
    private struct Lines: ~Copyable {
        var waiting: [Value] = []
        var size = 0
    }

    /// Bytes of lines with which a frame is sent at once.
    private static let frameSize = 32 << 10
    /// Microseconds for which a line waits for others, or for a frame of another kind.
    private static let pause: UInt32 = 2000

    private let lines = Mutex(Lines())
    private let bell = Inbox<Bool>()

    /// Begins to send lines by itself.
    func begin() {
        WorkerThread.start { [self] in
            var rung: [Bool] = []
            while true {
                bell.take(into: &rung, waiting: nil)
                rung.removeAll(keepingCapacity: true)
                usleep(Self.pause)
                lines.withLock { Self.flush(&$0) }
            }
        }
    }

    func send(_ frame: WireFrame) {
        let bytes = frame.encoded
        lines.withLock { lines in
            Self.flush(&lines)
            Self.write(bytes)
        }
    }

    /// Sends a line of a log, with those that come soon after it.
    func log(_ record: LogRecord) {
        let line = record.wire
        let isFirst = lines.withLock { lines in
            lines.waiting.append(line)
            lines.size += line.byteCount
            if lines.size >= Self.frameSize { Self.flush(&lines) }
            return lines.waiting.count == 1
        }
        if isFirst { bell.post(true) }
    }

    private static func flush(_ lines: inout Lines) {
        if lines.waiting.isEmpty { return }
        write(WireFrame(.log, ["lines": Value(array: lines.waiting)]).encoded)
        lines.waiting.removeAll(keepingCapacity: true)
        lines.size = 0
    }

    private static func write(_ bytes: [UInt8]) {
        let status = bytes.withUnsafeBytes { vp_send(hostSocket, $0.baseAddress, $0.count) }
        if status != 0 { _exit(0) }
    }
}

let hostSocket = Int32(VP_SOCKET)
