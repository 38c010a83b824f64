import Platform
import Testing

@testable import WorkflowTelemetry

@Suite("The thread of what has time") struct QuietThreadTests {
    /// How far the own thread gives way to others.
    private static func niceness() -> Int32 {
        #if canImport(Glibc)
            getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
        #else
            getpriority(Int32(PRIO_PROCESS), 0)
        #endif
    }

    @Test(arguments: [1, 100]) func `tasks go on when there is little time, each to its end`(count: Int) async {
        let thread = QuietThread()
        let done = await withTaskGroup(of: Int.self) { group in
            for number in 0..<count {
                group.addTask(executorPreference: thread) {
                    for turn in 0..<200 {
                        if number == 0, turn == 100 { thread.hurry() }
                        await Task.yield()
                    }
                    return 1
                }
            }
            return await group.reduce(0, +)
        }
        #expect(done == count)
        thread.end()
    }

    #if os(Linux)
        @Test func `with little time what is left runs at the usual priority`() async {
            let thread = QuietThread()
            let usual = Self.niceness()
            let before = await Task(executorPreference: thread) { Self.niceness() }.value
            thread.hurry()
            let after = await Task(executorPreference: thread) { Self.niceness() }.value
            thread.end()
            #expect(before == min(usual + 10, 19))
            #expect(after == usual)
        }
    #endif
}
