import FlatValue
internal import NIOCore
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Streams of all runs")
struct EventStreamTests {
    private static func frames(_ type: String = "step:delta", size: Int = 100, workflow: String = "w") -> EventFrames {
        EventFrames(
            TransientEvent(
                type: type, workflowID: workflow, runID: "r", data: Value(String(repeating: "x", count: size))))
    }

    @Test func `a head of a stream opens none`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "w"])
            for path in ["/api/events", "/api/runs/w/events"] {
                let head = try await server.request("HEAD", path, headers: [("Accept", "text/event-stream")])
                #expect(head.status == 200)
                #expect(head.header("content-type")?.hasPrefix("text/event-stream") == true)
            }
            #expect(server.server.streamCount == 0)
        }
    }

    @Test(arguments: [
        ("Text/Event-Stream", true), ("text/event-stream;q=0", false), ("text/event-stream; Q=0.000, */*", false),
        ("application/json, text/event-stream", true), ("text/event-stream;q=0.5, application/json", false),
        ("application/json;q=0.5 , text/event-stream ;q=0.6", true), ("*/*", false), ("text/*", true),
        ("text/*, text/event-stream;q=0", false), ("text/event-stream, */*;q=0.1", true), ("", false),
        ("text/event-stream;q=x", false), ("text/event-streams", false), ("text/event-stream;charset=utf-8", true),
    ])
    func `a run's events come as a stream to whom takes that rather than JSON`(_ accept: String, _ isStream: Bool)
        async throws
    {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "w"])
            let head = try await server.request("HEAD", "/api/runs/w/events", headers: [("Accept", accept)])
            let type = head.header("content-type") ?? ""
            #expect(type.hasPrefix(isStream ? "text/event-stream" : "application/json"), "\(type)")
        }
    }

    @Test(arguments: ["limit=1", "path=go", "after=1&path="])
    func `what a stream does not heed is refused by its name`(_ query: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "w"])
            let path = "/api/runs/w/events?\(query)"
            let refused = try await server.get(path, headers: [("Accept", "text/event-stream")])
            #expect(refused.status == 400)
            #expect(refused.error?.hasPrefix(query.contains("path") ? "path" : "limit") == true, "\(refused.text)")
            #expect(try await server.get(path).status == 200)
        }
    }

    @Test(arguments: [
        ("x", 400), ("-1", 400), ("1e3", 400), ("1.0", 400), ("9999", 400), ("99999999999999999999", 400),
        ("1, 2", 400), ("0", 200), ("1", 200), ("", 200),
    ])
    func `a stream goes on behind an event of the run, and behind nothing else`(_ id: String, _ status: Int)
        async throws
    {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            _ = try await server.post("/api/workflows/greet/run", ["inputData": ["name": "Ada"], "runId": "r"])
            let answer = try await server.get(
                "/api/runs/r/events", headers: [("Accept", "text/event-stream"), ("Last-Event-ID", id)])
            #expect(answer.status == status)
            if status == 400 { #expect(answer.error?.contains("Last-Event-ID") == true) }
        }
    }

    @Test(arguments: ["", "?follow=true"])
    func `a stream of a run that restarts goes along to the run that comes to an end`(_ query: String) async throws {
        let count = try Workflow(id: "count") { code in
            [
                .step(
                    "count",
                    handler: code.inline { input, context in
                        let number = input["n"]?.int ?? 0
                        if number < 3 { context.restart(input: ["n": Value(number + 1)]) }
                        return ["n": Value(number)]
                    })
            ]
        }
        try await RunningServer.with([count]) { (server) async throws in
            let frames = try await server.frames(
                "POST", "/api/workflows/count/stream\(query)", ["inputData": ["n": 1], "runId": "c"])
            #expect(frames.filter { $0.event == "run" }.map { $0.data["runId"] } == ["c", "c~2", "c~3"])
            #expect(frames.filter { $0.event == "result" }.count == 1)
            #expect(frames.last?.data["runId"] == "c~3")
            #expect(frames.last?.data["result"]?["result"] == ["n": 3])
            let ends = frames.filter { $0.event == "workflow:success" }
            #expect(ends.map { $0.data["runId"] } == ["c", "c~2", "c~3"])
            // That of one run is of that run, whose ids it has, and says where it goes on.
            let alone = try await server.frames("GET", "/api/runs/c/events")
            #expect(alone.last?.data["result"]?["restartedAs"] == "c~2")
        }
    }

    @Test func `an outbox keeps to its bound and tells how much was missed`() async throws {
        let outbox = EventOutbox(EventFilter(), limit: 1000)
        for _ in 0..<100 { outbox.put(Self.frames()) }
        let (items, end) = await outbox.take()
        #expect(end == nil)
        var (bytes, kept) = (0, 0)
        for case .frames(let buffer) in items {
            bytes += buffer.readableBytes
            kept += 1
        }
        #expect(bytes <= 1000)
        #expect(items.last == .missed(100 - kept))
        // What comes when there is room again is not missed.
        outbox.put(Self.frames())
        outbox.nudge()
        let later = await outbox.take().items
        #expect(later.count == 1)
        #expect(later.first != .idle)
    }

    @Test func `an event that is larger than the bound passes alone`() async throws {
        let outbox = EventOutbox(EventFilter(), limit: 1000)
        outbox.put(Self.frames(size: 5000))
        guard case .frames(let buffer)? = await outbox.take().items.first else {
            Issue.record("it did not pass")
            return
        }
        #expect(buffer.readableBytes > 5000)
    }

    @Test func `an outbox has what its filter lets through`() async throws {
        let outbox = EventOutbox(EventFilter(workflow: "w", types: ["a"]))
        for (type, workflow) in [("a", "w"), ("b", "w"), ("a", "v")] {
            outbox.put(Self.frames(type, workflow: workflow))
        }
        outbox.finish(.closed)
        let (items, end) = await outbox.take()
        #expect(items.count == 1)
        #expect(end == .closed)
    }

    @Test func `many streams have each event, and one of a run that rested has no event twice`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            let directory = server.directory
            try await withThrowingTaskGroup { group in
                for _ in 0..<6 {
                    group.addTask {
                        let frames = try await server.frames("GET", "/api/events?workflow=wait") {
                            $0.event == "workflow:success"
                        }
                        let sequences = frames.compactMap { $0.data["sequence"]?.int }
                        #expect(sequences == sequences.sorted())
                        #expect(Set(sequences).count == sequences.count)
                        #expect(frames.first?.event == "workflow:start")
                    }
                }
                // They share one subscription, and are there once each has had its first comment.
                while server.server.streamCount < 6 { try await Task.sleep(for: .milliseconds(5)) }
                #expect(directory.events.subscriberCount == 1)
                _ = try await directory.start(StartRequest(workflow: "wait", input: 1, id: "w"))
                _ = try await directory.settled("w")
                try await directory.signal("w", "go")
                try await group.waitForAll()
            }
        }
    }

    @Test func `a list that is too long for one piece has every event, and so have its pages and the stream`()
        async throws
    {
        let count = 100
        let long = try Workflow(id: "long") { code in
            (1...count).map { .step("s\($0)", handler: code.inline { input, _ in input }) }
        }
        try await RunningServer.with([long]) { server in
            let text = String(repeating: "long ", count: 400)
            _ = try await server.post("/api/workflows/long/run", ["inputData": ["text": Value(text)], "metadata": [:]])
            let id = try #require(try await server.get("/api/runs").json["runs"]?[0]?["runId"]?.string)
            // Clients refuse what is packed too well.
            let plain = [("accept-encoding", "identity")]
            let whole = try await server.get("/api/runs/\(id)/events", headers: plain)
            #expect(whole.status == 200)
            #expect(whole.text.utf8.count > 400_000)
            #expect(whole.json["status"] == "success" && whole.json["next"]?.isNull == true)
            let events = try #require(whole.json["events"]?.array)
            #expect(events.count == 2 * count + 2)
            var (pages, next) = ([Value](), Value(0))
            repeat {
                let page = try await server.get(
                    "/api/runs/\(id)/events?limit=90&after=\(next.json)", headers: plain
                ).json
                pages += page["events"]?.array ?? []
                next = page["next"] ?? .null
            } while !next.isNull && pages.count < 1000
            #expect(pages == events)
            let frames = try await server.frames("GET", "/api/runs/\(id)/events")
            #expect(frames.dropFirst().dropLast().map(\.data) == events)
            #expect(frames.last?.event == "result")
            let late = try await server.frames("GET", "/api/runs/\(id)/events", headers: [("last-event-id", "150")])
            #expect(
                late.dropFirst().dropLast().map(\.id)
                    == events.compactMap { $0["sequence"]?.int.map { Int($0) } }.filter { $0 > 150 })
        }
    }
}
