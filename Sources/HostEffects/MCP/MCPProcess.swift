internal import CHostSystem
internal import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// A server that is a program of this process: one message a line by its standard input and output, on a thread of its own.
///
/// Its process group is killed when it is closed, when it says what is too long, and when its output ends.
final class MCPProcess: MCPTransport {
    /// What is kept of its standard error, in bytes.
    private static let tailLimit = 2000

    private let name: String
    private let program: StartedProgram
    private let thread: ProgramThread
    private let state = Mutex(State())

    private struct State {
        var pending: [Int64: CheckedContinuation<Value, any Error>] = [:]
        /// What is still to be written.
        var outgoing: [UInt8] = []
        var isClosed = false
        /// The thread has ended, and the descriptors with it.
        var isOver = false
        /// Why nothing more can be asked.
        var failure: HostFailure?
    }

    init(_ call: ExecCall) throws(HostFailure) {
        name = call.arguments.first ?? ""
        thread = try ProgramThread()
        program = try StartedProgram.start(call, hasInput: true)
        do throws(HostFailure) {
            try thread.start { [self] in work() }
        } catch {
            program.end()
            for descriptor in [program.input, program.output, program.errors] { closeDescriptor(descriptor) }
            throw error
        }
    }

    var isUsable: Bool { state.withLock { $0.failure == nil && !$0.isClosed } }

    func agreed(on version: String) {}

    func close() { state.withLock { state in signal(&state) { $0.isClosed = true } } }

    func notify(_ message: Value) async throws { try state.withLock { state in try enqueue(message, &state) } }

    func exchange(_ message: Value, id: Int64) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let failure = state.withLock { state -> (any Error)? in
                    if Task.isCancelled { return CancellationError() }
                    do {
                        try enqueue(message, &state)
                        state.pending[id] = continuation
                        return nil
                    } catch {
                        return error
                    }
                }
                if let failure { continuation.resume(throwing: failure) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
                guard let waiter = state.pending.removeValue(forKey: id) else { return nil }
                try? enqueue(
                    [
                        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": ["requestId": Value(id)],
                    ], &state)
                return waiter
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    private func enqueue(_ message: Value, _ state: inout State) throws(HostFailure) {
        if let failure = state.failure { throw failure }
        let line = Array(message.json.utf8)
        guard state.outgoing.count + line.count < Self.sizeLimit else {
            throw HostFailure("too_large", "the MCP server \(name) does not read what it is sent", retryable: false)
        }
        signal(&state) { $0.outgoing += line + [UInt8(ascii: "\n")] }
    }

    /// Changes the state and wakes the thread, unless it has ended.
    private func signal(_ state: inout State, _ change: (inout State) -> Void) {
        if state.isOver { return }
        change(&state)
        thread.wake()
    }

    // MARK: The thread

    private func work() {
        var (line, tail) = ([UInt8](), [UInt8]())
        var (output, errors) = (program.output, program.errors)
        let why = talk(&line, &tail, &output, &errors)
        program.end()
        var text = why
        if !tail.isEmpty { text += "; it printed: " + String(decoding: tail, as: UTF8.self) }
        let waiting = state.withLock { state in
            state.isOver = true
            state.failure = .mcpLost(name, text)
            for descriptor in [program.input, output, errors] where descriptor >= 0 { closeDescriptor(descriptor) }
            defer { state.pending = [:] }
            return Array(state.pending.values)
        }
        for waiter in waiting { waiter.resume(throwing: HostFailure.mcpLost(name, text)) }
    }

    /// Brings messages to and fro until the server is to end; why.
    private func talk(
        _ line: inout [UInt8], _ tail: inout [UInt8], _ output: inout Int32, _ errors: inout Int32
    ) -> String {
        // How much of the line has been looked at without finding its end.
        var searched = 0
        while true {
            let (isClosed, hasMore) = state.withLock { ($0.isClosed, !$0.outgoing.isEmpty) }
            if isClosed { return "was closed" }
            var polls = [
                pollfd(fd: thread.waking, events: Int16(POLLIN), revents: 0),
                pollfd(fd: output, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
                pollfd(fd: hasMore ? program.input : -1, events: Int16(POLLOUT), revents: 0),
            ]
            guard poll(&polls, nfds_t(polls.count), -1) > 0 else { continue }
            if polls[0].revents != 0 { thread.clear() }
            if polls[2].revents != 0 {
                StartedProgram.take(&errors, &tail)
                tail = Array(tail.suffix(Self.tailLimit))
            }
            if polls[3].revents != 0, !feed() { return "does not take its input" }
            if polls[1].revents != 0 {
                StartedProgram.take(&output, &line)
                if output < 0 { return "has ended" }
                guard publish(&line, &searched) else { return "sent a message that cannot be read" }
                if line.count > Self.sizeLimit { return "sent a message of more than \(Self.sizeLimit) bytes" }
            }
        }
    }

    private func feed() -> Bool {
        state.withLock { state in
            let count = state.outgoing.withUnsafeBytes { write(program.input, $0.baseAddress, $0.count) }
            if count > 0 { state.outgoing.removeFirst(count) }
            return count >= 0 || errno == EAGAIN || errno == EINTR
        }
    }

    /// Gives whole lines to whom they answer; the rest stays. False for a message that cannot be read: nobody would ever get it.
    private func publish(_ line: inout [UInt8], _ searched: inout Int) -> Bool {
        var start = line.startIndex
        while let end = line[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            if let message = try? line[start..<end].withUnsafeBytes({ try Value(json: $0) }) {
                receive(message)
            } else if line[start..<end].isMeantAsMessage {
                return false
            }
            start = end + 1
            searched = start
        }
        line.removeFirst(start)
        searched = line.count
        return true
    }

    private func receive(_ message: Value) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            if let answer = MCPServerRequest.answer(to: message) {
                try? enqueue(answer, &state)
                return nil
            }
            guard message["method"] == nil, let id = message["id"]?.int else { return nil }
            return state.pending.removeValue(forKey: id)
        }
        waiter?.resume(returning: message)
    }
}

extension Collection<UInt8> {
    /// Whether a line that cannot be read was to be a message: other lines are noise that careless servers print.
    fileprivate var isMeantAsMessage: Bool { first == UInt8(ascii: "{") && contains(#""jsonrpc""#.utf8) }
}

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
