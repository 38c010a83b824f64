internal import SQLiteJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("A store that is closed")
struct ClosingTests {
    @Test func `reads that are under way end before it, and later ones are refused`() async throws {
        let directory = try TemporaryDirectory()
        let workflow = try Workflow(id: "one") { code in [.step("one", handler: code.inline { input, _ in input })] }
        let store = try SQLiteJournal(path: directory.store)
        let engine = WorkflowEngine(store: store, workers: 1)
        _ = try await engine.createRun(workflow, id: "r").run()
        await engine.shutdown(closing: store)
        for _ in 0..<100 {
            let store = try SQLiteJournal(path: directory.store)
            let codes = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        while true {
                            do throws(JournalError) {
                                let header = try await store.header(of: "r")
                                guard header?.status == .success else { return "lost" }
                            } catch {
                                return error.code
                            }
                        }
                    }
                }
                // Some of them are in the middle of a read by then.
                _ = try await store.header(of: "r")
                await store.close()
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(codes == ["store_closed"])
        }
    }
}
