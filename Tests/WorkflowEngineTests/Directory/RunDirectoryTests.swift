import FlatValue
internal import MemoryJournal
import Platform
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Run directory")
struct RunDirectoryTests {
    private func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? RunFailure)?.code ?? "\(error)"
        }
    }

    @Test func `a run that is started is in the store, and settles`() async throws {
        try await withDirectory([askingWorkflow()]) { directory in
            let started = try await directory.start(StartRequest(workflow: "ask", input: ["n": 1]))
            #expect(started.isNew)
            #expect(try await directory.header(of: started.id).workflow == "ask")
            let (record, isSettled) = try await directory.settled(started.id)
            #expect(isSettled)
            #expect(record.status == .waitingHuman)
        }
    }

    @Test func `one id starts one run, whoever asks for it at the same time`() async throws {
        let count = Counter()
        let workflow = try Workflow(id: "once") { code in
            [
                .step(
                    "count",
                    handler: code.inline { input, _ in
                        count.increment()
                        return input
                    })
            ]
        }
        try await withDirectory([workflow, askingWorkflow()]) { directory in
            for _ in 0..<5 {
                let started = try await directory.start(StartRequest(workflow: "once", input: [:], id: "a"))
                _ = try await directory.settled(started.id)
            }
            #expect(count.value == 1)
            let refusal = await code {
                _ = try await directory.start(StartRequest(workflow: "ask", input: [:], id: "a"))
            }
            #expect(refusal == "id_taken")
        }
    }

    @Test func `an answer goes to a run that another process drives`() async throws {
        let store = MemoryStore()
        try await withDirectory([askingWorkflow()], store: store) { owner in
            let id = try await owner.start(StartRequest(workflow: "ask", input: ["n": 1])).id
            _ = try await owner.settled(id)
            try await withDirectory([askingWorkflow()], store: store) { other in
                guard case .foreign = try await other.open(id) else {
                    Issue.record("the run is not seen as another process's")
                    return
                }
                let bad = await code { try await other.answer(id, step: nil, data: [:]) }
                #expect(bad == "invalid_response")
                try await other.answer(id, step: "approve", data: ["ok": true])
                let (record, _) = try await other.settled(id)
                #expect(record.status == .success)
            }
        }
    }

    @Test func `a run whose process is gone is taken up by the answer to it`() async throws {
        let store = MemoryStore()
        let id = try await withDirectory([askingWorkflow()], store: store) { owner in
            let id = try await owner.start(StartRequest(workflow: "ask", input: ["n": 1])).id
            _ = try await owner.settled(id)
            return id
        }
        try await withDirectory([askingWorkflow()], store: store) { other in
            guard case .stored = try await other.open(id) else {
                Issue.record("the run is not seen as one that nobody drives")
                return
            }
            try await other.answer(id, step: "approve", data: ["ok": true])
            let (record, _) = try await other.settled(id)
            #expect(record.output == ["answer": ["ok": true]])
            let second = await code { try await other.answer(id, step: "approve", data: ["ok": true]) }
            #expect(second == "over")
        }
    }

    @Test func `a run is cancelled wherever it is`() async throws {
        let store = MemoryStore()
        let stored = try await withDirectory([askingWorkflow()], store: store) { directory in
            let id = try await directory.start(StartRequest(workflow: "ask", input: [:])).id
            _ = try await directory.settled(id)
            return id
        }
        try await withDirectory([askingWorkflow()], store: store) { owner in
            #expect(try await owner.cancel(stored, reason: "late").status == .cancelled)
            let here = try await owner.start(StartRequest(workflow: "ask", input: [:])).id
            _ = try await owner.settled(here)
            #expect(try await owner.cancel(here).status == .cancelled)
            #expect(await code { _ = try await owner.cancel(here) } == "over")
            let there = try await owner.start(StartRequest(workflow: "ask", input: [:])).id
            _ = try await owner.settled(there)
            try await withDirectory([askingWorkflow()], store: store) { other in
                let stopped = try await other.cancel(there)
                #expect(stopped.status == .cancelled)
            }
        }
    }

    @Test func `a wait that is over before the run has settled gives the run as it stands`() async throws {
        let gate = Gate()
        let workflow = try Workflow(id: "slow") { code in
            [
                .step(
                    "wait",
                    handler: code.async { input, _ in
                        await gate.passed()
                        return input
                    })
            ]
        }
        try await withDirectory([workflow]) { directory in
            let id = try await directory.start(StartRequest(workflow: "slow", input: [:])).id
            let (record, isSettled) = try await directory.settled(id, within: .milliseconds(1))
            #expect(!isSettled)
            #expect(record.status == .running)
            gate.open()
            let (last, _) = try await directory.settled(id)
            #expect(last.status == .success)
        }
    }

    @Test func `a wait goes on when the run is handed to another process`() async throws {
        let store = MemoryStore()
        let gate = Gate()
        let workflow = try Workflow(id: "slow") { code in
            [
                .step(
                    "wait",
                    handler: code.async { input, _ in
                        await gate.passed()
                        return input
                    })
            ]
        }
        try await withDirectory([workflow], store: store) { first in
            let id = try await first.start(StartRequest(workflow: "slow", input: [:])).id
            let bounded = Task { try await first.settled(id, within: .seconds(60)) }
            let unbounded = Task { try await first.settled(id) }
            await first.releaseAll(within: .zero)
            try await withDirectory([workflow], store: store) { second in
                await RecoveryService(second).recover()
                guard case .live = try await second.open(id) else {
                    Issue.record("the run has not been taken over")
                    return
                }
                gate.open()
                for (record, isSettled) in [try await bounded.value, try await unbounded.value] {
                    #expect(isSettled)
                    #expect(record.status == .success)
                }
            }
        }
    }

    @Test func `a wait for a run that has been let go ends with the engine`() async throws {
        let workflow = try Workflow(id: "slow") { code in
            [
                .step(
                    "wait",
                    handler: code.async { input, _ in
                        try? await Task.sleep(for: .seconds(60)); return input
                    })
            ]
        }
        try await withDirectory([workflow]) { directory in
            let id = try await directory.start(StartRequest(workflow: "slow", input: [:])).id
            async let waiting = directory.settled(id)
            await directory.releaseAll(within: .zero)
            directory.events.close()
            let (record, isSettled) = try await waiting
            #expect(!isSettled)
            #expect(record.status == .running)
        }
    }

    /// A workflow that waits, and that is undone in two steps once `gate` is open.
    private func undoing(_ begun: Gate, _ gate: Gate) throws -> Workflow {
        try Workflow(id: "saga") { code in
            let undo = code.async { _, _ in
                begun.open()
                await gate.passed()
                return .null
            }
            return [
                .step("one", handler: code.inline { _, _ in 1 }, compensate: undo),
                .step("two", handler: code.inline { _, _ in 2 }, compensate: undo),
                .waitFor("paid", event: "payment"),
            ]
        }
    }

    @Test func `a run that somebody cancels comes to its end while all runs are let go`() async throws {
        let (begun, gate) = (Gate(), Gate())
        try await withDirectory([undoing(begun, gate)]) { directory in
            let id = try await directory.start(StartRequest(workflow: "saga", input: [:])).id
            _ = try await directory.settled(id)
            async let cancelled = directory.cancel(id)
            await begun.passed()
            async let released: Void = directory.releaseAll(within: .seconds(60))
            gate.open()
            #expect(try await cancelled.status == .cancelled)
            await released
            #expect(try await directory.header(of: id).status == .cancelled)
        }
    }

    @Test func `a run whose end takes longer than the grace is let go, and whoever cancels it is told`() async throws {
        let (begun, gate) = (Gate(), Gate())
        try await withDirectory([undoing(begun, gate)]) { directory in
            let id = try await directory.start(StartRequest(workflow: "saga", input: [:])).id
            _ = try await directory.settled(id)
            let cancelled = Task { try await directory.cancel(id) }
            await begun.passed()
            await directory.releaseAll(within: .zero)
            #expect(await code { _ = try await cancelled.value } == "released")
            #expect(try await directory.header(of: id).owner == nil)
            gate.open()
        }
    }

    @Test func `what a run of another process undoes is read, and nothing of one that has nothing to undo`()
        async throws
    {
        let (store, begun, gate) = (MemoryStore(), Gate(), Gate())
        let workflows = [try undoing(begun, gate), try askingWorkflow()]
        try await withDirectory(workflows, store: store) { directory in
            let watched = WatchedStore(MemoryJournal(store))
            let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: watched)
            defer { engine.shutdown() }
            let other = try RunDirectory(engine, catalog: FixedCatalog(workflows))
            let saga = try await directory.start(StartRequest(workflow: "saga", input: [:])).id
            _ = try await directory.settled(saga)
            #expect(await other.undoing(try await other.header(of: saga)) == nil)
            #expect(watched.loads == 1)
            async let cancelled = directory.cancel(saga)
            await begun.passed()
            for directory in [directory, other] {
                #expect(await directory.undoing(try await directory.header(of: saga)) == "two")
            }
            #expect(watched.loads == 2)
            let asking = try await directory.start(StartRequest(workflow: "ask", input: [:]))
            for _ in 0..<2 {
                #expect(await other.undoing(try await other.header(of: asking.id)) == nil)
                _ = try await directory.settled(asking.id)
            }
            #expect(watched.loads == 2)
            gate.open()
            #expect(try await cancelled.status == .cancelled)
            #expect(await other.undoing(try await other.header(of: saga)) == nil)
            await engine.shutdown(grace: .seconds(1))
        }
    }

    @Test func `what nobody drives goes on when the recovery service has looked`() async throws {
        let store = MemoryStore()
        let gate = Gate()
        let workflow = try Workflow(id: "slow") { code in
            [
                .step(
                    "wait",
                    handler: code.async { input, _ in
                        await gate.passed()
                        return input
                    })
            ]
        }
        let id = try await withDirectory([workflow], store: store) { directory in
            try await directory.start(StartRequest(workflow: "slow", input: [:])).id
        }
        gate.open()
        try await withDirectory([workflow], store: store) { directory in
            await RecoveryService(directory).recover()
            let (record, _) = try await directory.settled(id)
            #expect(record.status == .success)
        }
    }

    @Test func `what is not there is missing, and an engine without a store has no directory`() async throws {
        try await withDirectory([askingWorkflow()]) { directory in
            #expect(await code { try await directory.answer("x", step: nil, data: [:]) } == "missing")
            #expect(await code { _ = try await directory.settled("x") } == "missing")
            #expect(await code { try await directory.delete("x") } == "missing")
            #expect(
                await code { _ = try await directory.start(StartRequest(workflow: "x", input: [:])) }
                    == "unknown_workflow")
        }
        try await withEngine { engine in
            _ = #expect(throws: RunFailure.self) { try RunDirectory(engine, catalog: FixedCatalog([])) }
        }
    }
}
