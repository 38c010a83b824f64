import FlatValue
internal import MemoryJournal
internal import Platform
internal import Synchronization
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

    @Test func `a long run is read a page at a time, from wherever, and nothing is missing`() async throws {
        try await withDirectory([Self.steps(300)]) { directory in
            let input: Value = ["text": Value(String(repeating: "long ", count: 1000))]
            let id = try await directory.start(StartRequest(workflow: "steps", input: input)).id
            _ = try await directory.settled(id)
            var all: [RunEvent] = []
            let subscription = try await directory.events(of: id)
            while let item = await subscription.next() {
                guard case .events(let events) = item else { continue }
                #expect(events.count <= 64)
                all += events
            }
            #expect(await subscription.end == .over)
            #expect(all.count == 602)
            let record = try await directory.record(of: id)
            var renderer = EventRenderer(plan: record.plan, runID: id)
            let rendered = renderer.render(from: 0, log: record.log)
            #expect(all == rendered)
            for start in [1, 63, 64, 300, 601] {
                let late = await (try directory.events(of: id, after: all[start].sequence)).rest()
                #expect(late == Array(all[(start + 1)...]))
                let pages = try await directory.recorded(of: id, after: all[start].sequence)
                var listed: [RunEvent] = []
                while let page = try await pages.next() { listed += page }
                #expect(listed == late)
            }
        }
    }

    @Test func `the log of a run is read once for all who follow it, and anew for another run of its id`() async throws
    {
        let store = WatchedStore()
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let directory = try RunDirectory(engine, catalog: FixedCatalog([Self.steps(200)]))
        for number: Int64 in 1...2 {
            _ = try await directory.start(StartRequest(workflow: "steps", input: ["n": Value(number)], id: "r"))
            _ = try await directory.settled("r")
            let before = store.loads
            let told = try await withThrowingTaskGroup(of: [RunEvent].self) { group in
                for _ in 0..<20 { group.addTask { await (try directory.events(of: "r")).rest() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(told.count == 20)
            #expect(told.allSatisfy { $0 == told[0] })
            #expect(told[0].count == 402)
            #expect(told[0].first?.data?["n"] == Value(number))
            // It is read again where nobody has asked for five seconds.
            #expect((before + 1...before + 5).contains(store.loads))
            _ = try await store.delete("r")
        }
        directory.events.close()
    }

    @Test func `what a subscriber reads who is behind refers to values of long before`() async throws {
        let workflow = try Self.steps(100)
        try await withDirectory([workflow]) { directory in
            let input: Value = ["text": Value(String(repeating: "long ", count: 1000))]
            let id = try await directory.start(StartRequest(workflow: "steps", input: input)).id
            let tight = await directory.events.follow(id, plan: workflow.plan, buffer: 0)
            let wide = await directory.events.follow(id, plan: workflow.plan, buffer: 1 << 30)
            let (one, other) = (await tight.rest(), await wide.rest())
            #expect(one == other)
            #expect(one.count == 202)
        }
    }

    @Test func `no more have a turn at a time than may, and everybody has one`() async throws {
        let turns = TurnLimit(3)
        let counts = TurnCounts()
        await withTaskGroup { group in
            for _ in 0..<300 {
                group.addTask {
                    await turns.enter()
                    counts.enter()
                    await Task.yield()
                    counts.leave()
                    turns.leave()
                }
            }
        }
        #expect(counts.done == 300)
        #expect((1...3).contains(counts.most))
    }
}

/// How many are inside, and have been.
private final class TurnCounts: Sendable {
    private let state = Mutex(State())

    private struct State {
        var inside = 0
        var most = 0
        var done = 0
    }

    var most: Int { state.withLock(\.most) }
    var done: Int { state.withLock(\.done) }

    func enter() {
        state.withLock { state in
            state.inside += 1
            state.most = max(state.most, state.inside)
        }
    }

    func leave() {
        state.withLock { state in
            state.inside -= 1
            state.done += 1
        }
    }
}
