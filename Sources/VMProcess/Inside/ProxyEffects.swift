internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The gateway of a VM process: every effect is asked of the host, which decides by its own table what the run may do.
final class ProxyEffects: HostGateway {
    private let line: HostLine
    private let state = Mutex(State())

    private struct State {
        var lastCall: Int64 = 0
        var pending: [Int64: Pending] = [:]
    }

    private struct Pending {
        let operation: ProxyOperation
        let answer: @Sendable (HostAnswer) -> Void
        let stream: (@Sendable (Value) -> Void)?
    }

    init(_ line: HostLine) { self.line = line }

    func begin(_ asked: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        let (call, operation) = state.withLock { state in
            state.lastCall += 1
            let operation = ProxyOperation(self, call: state.lastCall)
            state.pending[state.lastCall] = Pending(operation: operation, answer: answer, stream: asked.stream)
            return (state.lastCall, operation)
        }
        var header: [(String, Value)] = [
            ("call", Value(call)), ("operation", Value(asked.operation)), ("run", Value(asked.run)),
            ("path", Value(asked.path)), ("attempt", Value(Int64(asked.attempt))),
            ("occurrence", Value(Int64(asked.occurrence))), ("part", Value(asked.part)),
        ]
        if let left = asked.timeLeft { header.append(("left", Value(left / .microseconds(1)))) }
        line.send(
            WireFrame(
                .request, Value(entries: header), body: asked.payload.withBytes { Array($0) }))
        return operation
    }

    /// Takes the host's answer; a call that nobody waits for any more is passed over.
    func take(_ frame: WireFrame) {
        guard let call = frame.header["call"]?.int,
            let pending = state.withLock({ $0.pending.removeValue(forKey: call) })
        else { return }
        // What a file or a server holds may be larger than what a script may ask with.
        var answer: HostAnswer
        do throws(MalformedValue) {
            let value = try Value(validatingAnySize: frame.body)
            answer = HostAnswer(ok: frame.header["ok"]?.bool == true, value: value)
        } catch {
            answer = HostAnswer(
                ok: false, value: ["code": "host_failed", "message": Value("the host's answer is no value: \(error)")])
        }
        answer.usage = frame.header["usage"]
        if frame.header["open"]?.bool == true { pending.operation.staysOpen() }
        pending.answer(answer)
    }

    func stream(_ frame: WireFrame) {
        guard let call = frame.header["call"]?.int, let data = try? Value(validating: frame.body) else { return }
        state.withLock { $0.pending[call]?.stream }?(data)
    }

    fileprivate func cancel(_ call: Int64) {
        state.withLock { _ = $0.pending.removeValue(forKey: call) }
        line.send(WireFrame(.cancel, ["call": Value(call)]))
    }
}

/// An operation that the host carries out.
private final class ProxyOperation: HostOperation {
    private let effects: ProxyEffects
    private let call: Int64
    private let isOpen = Atomic<Bool>(false)

    init(_ effects: ProxyEffects, call: Int64) {
        self.effects = effects
        self.call = call
    }

    /// Said before the answer is handed on.
    func staysOpen() { isOpen.store(true, ordering: .releasing) }

    var outlivesAnswer: Bool { isOpen.load(ordering: .acquiring) }
    func cancel() { effects.cancel(call) }
}
