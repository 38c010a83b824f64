internal import Synchronization
internal import WorkflowEngine

/// The streams that scripts have open, each for the call that opened it and nobody else. Any thread.
final class OpenStreams: Sendable {
    struct Entry: Sendable {
        var stream: HTTPStream
        var call: HTTPCall
        var owner: Owner
    }

    /// The start of a step that a stream belongs to.
    struct Owner: Sendable, Equatable {
        var run: String
        var path: String
        var attempt: Int
        var occurrence: Int

        init(_ call: HostCall) {
            run = call.run
            path = call.path
            attempt = call.attempt
            occurrence = call.occurrence
        }
    }

    private struct State {
        var last: Int64 = 0
        var entries: [Int64: Entry] = [:]
    }

    private let state = Mutex(State())

    /// Keeps a stream and gives its number.
    func add(_ entry: Entry) -> Int64 {
        state.withLock { state in
            state.last += 1
            state.entries[state.last] = entry
            return state.last
        }
    }

    /// The stream of a number, for its owner; nil when it is closed, or somebody else's.
    func entry(_ number: Int64, for owner: Owner) -> Entry? {
        state.withLock { state in state.entries[number].flatMap { $0.owner == owner ? $0 : nil } }
    }

    func remove(_ number: Int64) { state.withLock { _ = $0.entries.removeValue(forKey: number) } }
}
