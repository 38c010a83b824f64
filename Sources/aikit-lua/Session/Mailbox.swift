internal import FlatValue
internal import JSONSchema
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// What the main thread hears of while a run is under way.
enum Message: Sendable {
    /// What the run recorded, for the display.
    case progress([ProgressEvent])
    /// What the run had recorded before this process took it up.
    case past([ProgressEvent])
    /// What the run recorded, as lines of JSON for programs.
    case lines([UInt8])
    case log(LogRecord)
    /// What a script printed.
    case text(String)
    /// What is doubtful in the script, before the run starts.
    case doubts([Problem])
    /// A run of the store goes on from now on; that it does is told by ``started(_:)``, which may come after what its code says.
    case takingUp
    /// The script has been loaded, and the run has been started.
    case started(RunHandle)
    /// The run is over or waits for somebody.
    case settled(RunRecord)
    /// An answer was not accepted; the run still waits.
    case refused(RunFailure)
    /// There is no run, or nothing is known of it any more.
    case failed(any Error)
    /// Nothing happens to the run before a time.
    case resting(Rest)
    /// A run of whose permissions nothing is recorded needs some, and does not go on here.
    case lacking(_ run: String)
    /// Runs wait for somebody for which alone the run waits; empty where that is over.
    case standstill([StandingRun])
    /// An answer to a run for which the run waits has been taken.
    case answered
    /// The run has been given back to the store, where anybody may take it up.
    case released
    /// The time is over that the process stays with the run.
    case timedOut
    /// Ctrl-C, or another request to end.
    case interrupted(signal: Int32)
    /// A moment has passed since then, and another signal would count.
    case stillStopping(signal: Int32)
}

/// The mailbox of a session with one run.
typealias Mailbox = MessageBox<Message>

/// Brings messages from every thread to the main thread, in order.
///
/// A pipe beside the list lets the reader wait for messages and for the keyboard at once.
final class MessageBox<Message: Sendable>: Sendable {
    private let state = Mutex(State())

    private struct State {
        var messages: [Message] = []
        /// Bytes of the lines among them.
        var lineBytes = 0
        /// Bytes of what must not be left out.
        var flowBytes = 0
        /// Nobody reads any more.
        var isClosed = false
        var omitted = 0
        /// Says how many lines were left out.
        var omission: Message?
    }

    private let wakeUp = WakeUp()
    /// Readable while there are messages; -1 where the process had no descriptor for it, so that whoever polls has to look by
    /// himself (``pollTimeout(_:hearing:)``).
    var readEnd: Int32 { wakeUp.descriptor }

    func post(_ message: Message) {
        let wasEmpty = state.withLock {
            $0.messages.append(message)
            return $0.messages.count == 1
        }
        if wasEmpty { wakeUp.wake() }
    }

    /// Posts something of which nothing may be left out, however slow the reader is: the caller waits until less than
    /// ``MessageBoxLimits/flowBytes`` are unread, or nobody reads any more.
    func postFlow(_ message: Message, bytes: Int) {
        while true {
            let (isAccepted, wasEmpty) = state.withLock { state in
                guard state.isClosed || state.flowBytes == 0 || state.flowBytes + bytes <= MessageBoxLimits.flowBytes
                else { return (false, false) }
                state.flowBytes += bytes
                state.messages.append(message)
                return (true, state.messages.count == 1)
            }
            if wasEmpty { wakeUp.wake() }
            if isAccepted { return }
            usleep(MessageBoxLimits.pause)
        }
    }

    /// Lets go whoever waits for the reader, which will read nothing more.
    func close() { state.withLock { $0.isClosed = true } }

    /// Takes all messages, after waiting until there is one or until a time of the monotonic clock in nanoseconds; a signal ends
    /// the wait before.
    func take(until deadline: UInt64? = nil) -> [Message] {
        wakeUp.wait(milliseconds: pollTimeout(until: deadline))
        return takeAll()
    }

    /// Takes the messages that are there.
    func takeAll() -> [Message] {
        state.withLock { state in
            wakeUp.clear()
            defer {
                let isClosed = state.isClosed
                state = State()
                state.isClosed = isClosed
            }
            return state.messages + (state.omission.map { [$0] } ?? [])
        }
    }

    var isEmpty: Bool { state.withLock { $0.messages.isEmpty } }
}

/// A message that may be one of a flood of lines.
protocol LineMessage: Sendable {
    /// The line in place of those that were left out.
    static func line(_ text: String) -> Self
    /// What a script logged.
    static func log(_ record: LogRecord) -> Self
}

extension Message: LineMessage {
    static func line(_ text: String) -> Message { .text(text) }
}

extension MessageBox where Message: LineMessage {
    /// Posts a line that a script printed or logged. A script can write faster than anybody reads: with a mebibyte unread the
    /// caller waits a moment for the reader, and then lines are left out and counted until it has read on.
    func postLine(_ line: Message, bytes: Int) {
        for _ in 0..<MessageBoxLimits.patience {
            if isAccepted(line, bytes) { return }
            if state.withLock({ $0.omitted > 0 }) { break }
            usleep(MessageBoxLimits.pause)
        }
        guard !isAccepted(line, bytes) else { return }
        state.withLock {
            $0.omitted += 1
            $0.omission = .line(
                "… \(counted($0.omitted, "line")) left out: they were written faster than they are read")
        }
    }

    private func isAccepted(_ line: Message, _ bytes: Int) -> Bool {
        let (accepted, wasEmpty) = state.withLock { state in
            guard state.omitted == 0, state.lineBytes == 0 || state.lineBytes + bytes <= MessageBoxLimits.lineBytes
            else {
                return (false, false)
            }
            state.lineBytes += bytes
            state.messages.append(line)
            return (true, state.messages.count == 1)
        }
        if wasEmpty { wakeUp.wake() }
        return accepted
    }

    /// Takes what scripts print.
    var print: @Sendable (String) -> Void { { self.postLine(.line($0), bytes: $0.utf8.count) } }

    /// Takes what scripts log, from a level on.
    func log(_ threshold: LogThreshold) -> @Sendable (LogRecord) -> Void {
        { record in
            guard threshold.admits(record.level) else { return }
            let fieldBytes = record.fields?.withBytes { $0.count } ?? 0
            self.postLine(.log(record), bytes: 64 + record.message.utf8.count + fieldBytes)
        }
    }
}

enum MessageBoxLimits {
    /// Bytes of lines that wait for the reader.
    static let lineBytes = 1 << 20
    /// Bytes of events that wait for the reader.
    static let flowBytes = 4 << 20
    /// How often, and how many microseconds each time, a line waits for room: 40 ms in all, as a step that is to stop cannot
    /// meanwhile.
    static let patience = 40
    static let pause: UInt32 = 1000
}

/// What `poll` takes for a time of the monotonic clock in nanoseconds, rounded up; -1 for none.
func pollTimeout(until deadline: UInt64?) -> Int32 {
    guard let deadline else { return -1 }
    let now = monotonicNanoseconds()
    return deadline <= now ? 0 : Int32(clamping: (deadline - now + 999_999) / 1_000_000)
}

/// The timeout for a poll that hears messages through a descriptor as well: a short one where there is none, and nothing wakes.
func pollTimeout(_ timeout: Int32, hearing messages: Int32) -> Int32 {
    messages >= 0 ? timeout : timeout < 0 ? 50 : min(timeout, 50)
}
