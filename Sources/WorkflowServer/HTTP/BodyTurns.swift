internal import Synchronization

/// Lets requests with large bodies be worked on in the order in which they came, so that what each takes by its copies is bounded in
/// all. Any thread.
final class BodyTurns: Sendable {
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        /// In bytes, of those that have their turn.
        var held = 0
        var waiting: [(size: Int, turn: CheckedContinuation<Void, Never>)] = []
    }

    /// - Parameter limit: how many bytes of bodies are worked on at once; a larger body is by itself.
    init(_ limit: Int) { self.limit = max(limit, 1) }

    /// Calls `work` when the turn of a body of so many bytes has come, which is at once for small ones.
    func during<Result>(_ size: Int, _ work: () async throws -> Result) async rethrows -> Result {
        if size <= BodyBudget.free { return try await work() }
        let size = min(size, limit)
        await enter(size)
        defer { leave(size) }
        return try await work()
    }

    private func enter(_ size: Int) async {
        await withCheckedContinuation { turn in
            let isFree = state.withLock { state in
                guard state.waiting.isEmpty, state.held + size <= limit else {
                    state.waiting.append((size, turn))
                    return false
                }
                state.held += size
                return true
            }
            if isFree { turn.resume() }
        }
    }

    private func leave(_ size: Int) {
        let next = state.withLock { state in
            state.held -= size
            var count = 0
            while count < state.waiting.count, state.held + state.waiting[count].size <= limit {
                state.held += state.waiting[count].size
                count += 1
            }
            defer { state.waiting.removeFirst(count) }
            return Array(state.waiting.prefix(count))
        }
        for (_, turn) in next { turn.resume() }
    }
}
