internal import FlatValue
internal import WorkflowCore

/// What an operation tells while it is under way, for the call that began it: it takes what has come, or waits for more.
struct DeltaQueue {
    private var pieces: [Value] = []
    private var waiter: Waiter?
    private var hasEnded = false

    /// Nothing is left, and nothing comes any more.
    var isSpent: Bool { hasEnded && pieces.isEmpty }

    /// A wait for the next piece, which is answered once. It belongs to the worker's thread.
    private final class Waiter: HostOperation, @unchecked Sendable {
        private var answer: ((HostAnswer) -> Void)?

        init(_ answer: @escaping (HostAnswer) -> Void) { self.answer = answer }

        func finish(_ value: Value) {
            let answer = self.answer
            self.answer = nil
            answer?(.success(value))
        }

        /// The answer is ignored; a clock that jumps waits for it.
        func cancel() { finish(.null) }
    }

    mutating func add(_ piece: Value) {
        if let waiter {
            self.waiter = nil
            waiter.finish([piece])
        } else {
            pieces.append(piece)
        }
    }

    /// Answers with what has come, or once something comes; with null when it is spent.
    ///
    /// - Returns: what gives the wait up; nil when it has been answered.
    mutating func take(_ answer: @escaping (HostAnswer) -> Void) -> (any HostOperation)? {
        if isSpent {
            answer(.success(.null))
            return nil
        }
        if pieces.isEmpty {
            let waiter = Waiter(answer)
            self.waiter = waiter
            return waiter
        }
        answer(.success(Value(array: pieces)))
        pieces = []
        return nil
    }

    /// Nothing is added any more: what has come can still be taken, and who waits for more is answered with null.
    mutating func end() {
        hasEnded = true
        waiter?.finish(.null)
        waiter = nil
    }
}
