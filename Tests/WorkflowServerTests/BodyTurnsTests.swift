internal import Platform
internal import Synchronization
internal import Testing

@testable internal import WorkflowServer

struct BodyTurnsTests {
    /// How many bytes are worked on, and how many were at most.
    private final class Load: Sendable {
        private let state = Mutex((now: 0, most: 0))

        var most: Int { state.withLock { $0.most } }

        func change(by size: Int) {
            state.withLock { state in
                state.now += size
                state.most = max(state.most, state.now)
            }
        }
    }

    @Test(arguments: [100 << 10, 300 << 10, 1 << 20])
    func `large bodies are worked on up to a bound, each of them once`(_ size: Int) async {
        let (turns, load) = (BodyTurns(1 << 20), Load())
        let count = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    await turns.during(size) {
                        load.change(by: size)
                        await Task.yield()
                        load.change(by: -size)
                        return 1
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(count == 50)
        #expect(load.most <= 1 << 20)
    }

    @Test func `a small body waits for none, and one beyond the bound is worked on by itself`() async {
        let (turns, begun, end) = (BodyTurns(1 << 20), Gate(), Gate())
        let large = Task {
            await turns.during(5 << 20) {
                begun.open()
                await end.passed()
            }
        }
        await begun.passed()
        await turns.during(64 << 10) {}
        let next = Task { await turns.during(100 << 10) { end.isOpen } }
        await turns.during(64 << 10) {}
        end.open()
        // It had its turn when the one before had ended.
        #expect(await next.value)
        await large.value
    }

    @Test func `what fails gives its turn back`() async throws {
        struct Failure: Error {}
        let turns = BodyTurns(1 << 20)
        for _ in 0..<3 {
            await #expect(throws: Failure.self) { try await turns.during(1 << 20) { throw Failure() } }
        }
    }
}
