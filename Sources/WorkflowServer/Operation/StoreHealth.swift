internal import Synchronization
internal import WorkflowEngine

/// Whether the store can be written, as it says itself: asked now and then, however often somebody wants to know.
final class StoreHealth: Sendable {
    private let store: any RunStore
    private let state = Mutex(State())

    private struct State {
        var answer: (trouble: String?, at: ContinuousClock.Instant)?
        var question: Task<String?, Never>?
    }

    /// How long an answer counts.
    private static let lifetime = Duration.seconds(1)
    /// How long the store may take for an answer.
    private static let patience = Duration.seconds(5)

    init(_ store: any RunStore) { self.store = store }

    /// What keeps the store from being written; nil if nothing does.
    func trouble() async -> String? {
        let question: Task<String?, Never>? = state.withLock { state in
            if let answer = state.answer, .now - answer.at < Self.lifetime { return nil }
            if let question = state.question { return question }
            let question = Task { [store] in await Self.ask(store) }
            state.question = question
            return question
        }
        guard let question else { return state.withLock { $0.answer?.trouble } }
        let trouble = await question.value
        state.withLock { state in
            guard state.question == question else { return }
            state.question = nil
            state.answer = (trouble, .now)
        }
        return trouble
    }

    /// A store that does not answer is in trouble too; its answer is not waited for.
    private static func ask(_ store: any RunStore) async -> String? {
        let (answers, source) = AsyncStream.makeStream(of: String?.self, bufferingPolicy: .bufferingOldest(1))
        let asking = Task {
            do throws(JournalError) {
                try await store.checkWritable()
                source.yield(nil)
            } catch {
                source.yield(error.message)
            }
        }
        let clock = Task {
            try await Task.sleep(for: patience)
            source.yield("it has not answered for \(patience.components.seconds) seconds")
        }
        defer {
            asking.cancel()
            clock.cancel()
        }
        for await answer in answers { return answer }
        return nil
    }
}
