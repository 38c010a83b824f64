import Platform
import Synchronization
import Testing

@testable import HostEffects

@Suite struct ThreadPoolTests {
    private final class Counts: Sendable {
        let now = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let done = Atomic<Int>(0)
        let isFree = Atomic<Bool>(false)
    }

    @Test func `as many tasks run beside each other as there may be threads, and all of them run`() async {
        let pool = ThreadPool(limit: 3)
        let counts = Counts()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask(executorPreference: pool) {
                    let now = counts.now.add(1, ordering: .relaxed).newValue
                    counts.most.max(now, ordering: .relaxed)
                    usleep(500)
                    counts.now.subtract(1, ordering: .relaxed)
                    await Task.yield()
                    counts.done.add(1, ordering: .relaxed)
                }
            }
        }
        let (done, most) = (counts.done.load(ordering: .relaxed), counts.most.load(ordering: .relaxed))
        #expect(done == 200)
        #expect((1...3).contains(most))
    }

    @Test func `tasks that block leave the other tasks of the process their threads`() async {
        let pool = ThreadPool(limit: 8)
        let counts = Counts()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask(executorPreference: pool) {
                    while !counts.isFree.load(ordering: .acquiring) { usleep(1000) }
                }
            }
            // It would never run if they blocked the threads of all.
            await Task.detached { counts.isFree.store(true, ordering: .releasing) }.value
        }
        let wasFreed = counts.isFree.load(ordering: .acquiring)
        #expect(wasFreed)
    }
}
