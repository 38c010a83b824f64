internal import CHostSystem
internal import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// A program that a script runs: on a thread of its own, which feeds it, takes what it prints, and ends it with its group.
///
/// Killed is the whole process group, when the time is over, when the script does not want it any more, when it prints too
/// much, and when the program has ended but left others behind.
final class ProgramRun: HostOperation {
    private let call: ExecCall
    private let answer: @Sendable (HostAnswer) -> Void
    private let thread: ProgramThread
    private let isCancelled = Atomic<Bool>(false)

    /// Starts the program's thread, which answers once unless the run is cancelled before.
    init(_ call: ExecCall, answer: @escaping @Sendable (HostAnswer) -> Void) throws(HostFailure) {
        self.call = call
        self.answer = answer
        thread = try ProgramThread()
        try thread.start { [self] in work() }
    }

    func cancel() {
        isCancelled.store(true, ordering: .sequentiallyConsistent)
        thread.wake()
    }

    private func work() {
        let result: HostAnswer
        do throws(HostFailure) {
            result = .success(try perform())
        } catch {
            result = error.answer
        }
        if !isCancelled.load(ordering: .sequentiallyConsistent) { answer(result) }
    }

    private func perform() throws(HostFailure) -> Value {
        let started = try StartedProgram.start(call)
        var exchange = ProgramExchange(started, call, wake: thread.waking)
        let end = exchange.run()
        // The leader has not been waited for, so that the group's number is still its own.
        ProgramGroups.end(started.pid)
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
        case .failed(let failure): throw failure
        }
    }
}
