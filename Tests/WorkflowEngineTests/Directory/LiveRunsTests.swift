import FlatValue
internal import MemoryJournal
internal import Testing
internal import WorkflowCore

@testable internal import WorkflowEngine

@Suite("Runs that an engine drives")
struct LiveRunsTests {
    @Test func `a run that is taken up gets its messages, though what had it before is not gone yet`() async throws {
        let (store, workflow) = (MemoryStore(), try askingWorkflow())
        try await withDirectory([workflow], store: store) { first in
            let id = try await first.start(StartRequest(workflow: "ask", input: 1)).id
            _ = try await first.settled(id)
            await first.releaseAll(within: .zero)
            try await withDirectory([workflow], store: store) { second in
                // As a run is that waits in the queue, which has taken it before it is forgotten here.
                let before = second.engine.createRun(workflow, id: id)
                #expect(second.live.add(before))
                guard case .claimed(let claimed) = try await second.store.claim(id) else {
                    Issue.record("it cannot be claimed")
                    return
                }
                let run = try await second.engine.takeUp(claimed) { _ in workflow }
                #expect(second.live.find(id) === run)
                second.live.remove(before)
                #expect(second.live.find(id) === run)
                try await first.answer(id, step: "approve", data: ["ok": true])
                #expect(try await run.finished().result().value["result"]?["answer"]?["ok"] == true)
            }
        }
    }
}
