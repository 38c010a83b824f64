internal import CHostSystem
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A program that a script runs: on a thread of its own, which feeds it, takes what it prints, and ends it with its group.
///
/// Killed is the whole process group, when the time is over, when the script does not want it any more, when it prints too
/// much, and when the program has ended but left others behind.
final class ProgramRun: HostOperation {
    private let call: ExecCall
    private let answer: @Sendable (HostAnswer) -> Void
    /// Written to when the run is given up.
    private let wake: (reading: Int32, writing: Int32)
    private let state = Mutex(State())

    private struct State {
        var isCancelled = false
        /// Whether the thread has ended and the pipe is closed.
        var isOver = false
    }

    /// Starts the program's thread, which answers once unless the run is cancelled before.
    init(_ call: ExecCall, answer: @escaping @Sendable (HostAnswer) -> Void) throws(HostFailure) {
        self.call = call
        self.answer = answer
        do throws(SystemError) {
            wake = try Descriptor.pipe()
        } catch {
            throw HostFailure("exec_failed", "no program can be started now: \(error.message)", retryable: true)
        }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let own = Unmanaged.passRetained(self)
        let status = pthread_create(&thread, &attributes, runProgram, own.toOpaque())
        guard status == 0 else {
            own.release()
            close(wake.reading)
            close(wake.writing)
            throw HostFailure(
                "exec_failed", "no program can be started now: \(SystemError(status).message)", retryable: true)
        }
    }

    func cancel() {
        state.withLock { state in
            if state.isOver || state.isCancelled { return }
            state.isCancelled = true
            var byte: UInt8 = 1
            _ = write(wake.writing, &byte, 1)
        }
    }

    fileprivate func work() {
        // A program that does not read its input is no reason to end.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let result: HostAnswer
        do throws(HostFailure) {
            result = .success(try perform())
        } catch {
            result = error.answer
        }
        let isWanted = state.withLock { state in
            state.isOver = true
            close(wake.reading)
            close(wake.writing)
            return !state.isCancelled
        }
        if isWanted { answer(result) }
    }

    private func perform() throws(HostFailure) -> Value {
        let started: StartedProgram
        do throws(SystemError) {
            started = try StartedProgram(call)
        } catch {
            let code = error.number == ENOENT || error.number == EACCES ? "program_not_found" : "exec_failed"
            throw HostFailure(
                code, "'\(call.arguments[0])' cannot be started: \(error.message)",
                retryable: error.number == EAGAIN || error.number == ENOMEM ? true : false)
        }
        var exchange = ProgramExchange(started, call, wake: wake.reading)
        let end = exchange.run()
        // The leader has not been waited for, so that the group's number is still its own.
        kill(-started.pid, SIGKILL)
        exchange.drain()
        let (status, signal) = Spawn.wait(for: started.pid)
        exchange.close()
        switch end {
        case .ended:
            return exchange.value(status: status, signal: signal)
        case .timedOut:
            throw HostFailure(
                "exec_timeout",
                "'\(call.arguments[0])' did not end within \(HostFailure.seconds(call.timeout)) and was killed",
                retryable: true, details: exchange.tails)
        case .tooLarge:
            throw HostFailure(
                "too_large",
                "'\(call.arguments[0])' printed more than \(call.outputLimit) bytes and was killed; max_output raises the "
                    + "limit", retryable: false, details: exchange.tails)
        case .cancelled: throw HostFailure("cancelled", "the program was given up", retryable: false)
        }
    }
}

private func runProgram(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let context { Unmanaged<ProgramRun>.fromOpaque(context).takeRetainedValue().work() }
    return nil
}
