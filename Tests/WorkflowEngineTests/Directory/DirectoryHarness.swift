import FlatValue
internal import MemoryJournal
internal import WorkflowCore
internal import WorkflowEngine

/// A workflow that asks a person once, between two steps.
func askingWorkflow() throws -> Workflow {
    try Workflow(id: "ask") { code in
        [
            .step("before", handler: code.inline { input, _ in input }),
            .human("approve", responseSchema: ["type": "object", "required": ["ok"]]),
            .step("after", handler: code.inline { answer, _ in ["answer": answer] }),
        ]
    }
}

/// Runs `body` with a directory over an engine and a store in memory; journals over one store are like processes.
func withDirectory<Result>(
    _ workflows: [Workflow], store: MemoryStore = MemoryStore(), clock: any EngineClock = SystemClock(),
    _ body: (RunDirectory) async throws -> Result
) async throws -> Result {
    let journal = MemoryJournal(store, lease: 1 << 60, clock: clock)
    let engine = WorkflowEngine(workers: 1, clock: clock, host: NoHostOperations(), journal: journal)
    let directory = try RunDirectory(engine, catalog: FixedCatalog(workflows))
    do {
        let result = try await body(directory)
        directory.events.close()
        engine.shutdown()
        await journal.close()
        return result
    } catch {
        directory.events.close()
        engine.shutdown()
        await journal.close()
        throw error
    }
}

extension EventSubscription {
    /// Everything until the subscription ends.
    func rest() async -> [RunEvent] {
        var all: [RunEvent] = []
        while let item = await next() {
            if case .events(let events) = item { all += events }
        }
        return all
    }

    /// Everything until an event of a type, inclusive.
    func events(through type: String) async -> [RunEvent] {
        var all: [RunEvent] = []
        while let item = await next() {
            guard case .events(let events) = item else { continue }
            all += events
            if events.contains(where: { $0.name == type }) { break }
        }
        return all
    }
}
