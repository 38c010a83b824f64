import FlatValue
internal import MemoryJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Event hub")
struct EventHubTests {
    private static func steps(_ count: Int) throws -> Workflow {
        try Workflow(id: "steps") { code in
            (1...count).map { .step("s\($0)", handler: code.inline { input, _ in input }) }
        }
    }

    @Test func `a subscriber gets every event of a run once and in order, from whichever it asks`() async throws {
        try await withDirectory([Self.steps(50)]) { directory in
            let id = try await directory.start(StartRequest(workflow: "steps", input: [:])).id
            let early = try await directory.events(of: id)
            let all = await early.rest()
            #expect(await early.end == .over)
            #expect(all.count == 102)
            #expect(all.map(\.sequence) == all.map(\.sequence).sorted())
            let middle = all[40].sequence
            let late = await (try directory.events(of: id, after: middle)).rest()
            #expect(late == Array(all[41...]))
        }
    }

    @Test func `a subscriber whose buffer is too small for anything reads the store and misses nothing`() async throws {
        let workflow = try Self.steps(200)
        try await withDirectory([workflow]) { directory in
            let id = try await directory.start(StartRequest(workflow: "steps", input: [:])).id
            let tight = await directory.events.follow(id, plan: workflow.plan, buffer: 0)
            let wide = await directory.events.follow(id, plan: workflow.plan)
            let (one, other) = (await tight.rest(), await wide.rest())
            #expect(one == other)
            #expect(one.count == 402)
        }
    }

    @Test func `a run that another process drives is followed to its end`() async throws {
        let store = MemoryStore()
        try await withDirectory([askingWorkflow()], store: store) { owner in
            let id = try await owner.start(StartRequest(workflow: "ask", input: ["n": 1])).id
            _ = try await owner.settled(id)
            try await withDirectory([askingWorkflow()], store: store) { other in
                let subscription = try await other.events(of: id)
                let first = await subscription.events(through: "step:human:requested")
                try await owner.answer(id, step: nil, data: ["ok": true])
                let rest = await subscription.rest()
                #expect(await subscription.end == .over)
                let here = await (try owner.events(of: id)).rest()
                #expect(first + rest == here)
            }
        }
    }

    @Test func `subscribers to all runs get those of their filter, and are told when one settles`() async throws {
        try await withDirectory([askingWorkflow(), Self.steps(2)]) { directory in
            let subscription = directory.events.subscribe(
                EventFilter(workflow: "ask", types: ["workflow:start", "step:human:requested"]))
            _ = try await directory.start(StartRequest(workflow: "steps", input: [:]))
            let id = try await directory.start(StartRequest(workflow: "ask", input: [:])).id
            var types: [String] = []
            loop: while let item = await subscription.next() {
                switch item {
                case .events(let events):
                    #expect(events.allSatisfy { $0.runID == id })
                    types += events.map(\.name)
                case .settled(let run):
                    #expect(run == id)
                    break loop
                case .transient, .idle: break
                }
            }
            #expect(types == ["workflow:start", "step:human:requested"])
        }
    }

    @Test func `an event that nobody records reaches those who listen`() async throws {
        try await withDirectory([askingWorkflow()]) { directory in
            let subscription = directory.events.subscribe()
            directory.events.publish(
                TransientEvent(type: "text", workflowID: "ask", runID: "r", path: "say", data: "Hel"))
            guard case .transient(let event)? = await subscription.next() else {
                Issue.record("no event came")
                return
            }
            #expect(event.value["data"] == "Hel")
        }
    }

    @Test func `streams end with a reason: the hub closes, or the subscriber has had enough`() async throws {
        try await withDirectory([askingWorkflow()]) { directory in
            let id = try await directory.start(StartRequest(workflow: "ask", input: [:])).id
            let (one, other) = (try await directory.events(of: id), directory.events.subscribe())
            other.cancel()
            #expect(await other.rest().isEmpty)
            #expect(await other.end == .cancelled)
            _ = await one.events(through: "step:human:requested")
            directory.events.close()
            _ = await one.rest()
            #expect(await one.end == .closed)
            let late = directory.events.subscribe()
            #expect(await late.rest().isEmpty)
            #expect(await late.end == .closed)
            #expect(directory.events.subscriberCount == 0)
        }
    }
}
