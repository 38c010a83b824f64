import FlatValue
internal import LuaWorkflows
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// Effects whose streams give one piece and then nothing, and that know which were closed.
private final class Streams: HostGateway {
    private struct Open: HostOperation {
        let streams: Streams
        var outlivesAnswer: Bool { true }

        func cancel() { streams.count.withLock { $0.closed += 1 } }
    }

    private struct Reading: HostOperation {
        let streams: Streams

        func cancel() { streams.count.withLock { $0.abandoned += 1 } }
    }

    let count = Mutex((opened: 0, closed: 0, abandoned: 0))

    func begin(_ request: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        switch request.operation {
        case "http.open":
            count.withLock { $0.opened += 1 }
            answer(.success(["status": 200, "headers": .emptyObject, "url": "http://h/", "stream": 1]))
            return Open(streams: self)
        case "http.read": return Reading(streams: self)
        default:
            answer(.success(.null))
            return nil
        }
    }
}

@Suite("Operations that outlive their answers")
struct OpenOperationTests {
    private let open = #"local stream = aikit.http.stream("GET", "http://h/")"#

    @Test(arguments: ["return { status = stream.status }", #"error "no""#])
    func `the end of a step closes what it opened`(rest: String) async throws {
        let streams = Streams()
        let scripts = try Scripts(["main.lua": oneStep(open + " " + rest)], host: streams)
        _ = try await scripts.run()
        #expect(streams.count.withLock { [$0.opened, $0.closed] } == [1, 1])
    }

    @Test func `a cancel closes what a step that waits for it has open`() async throws {
        let streams = Streams()
        let scripts = try Scripts(["main.lua": oneStep(open + " stream:text()")], host: streams)
        let run = try await scripts.engine.createRun(scripts.load().workflows[0])
        try run.start()
        while streams.count.withLock({ $0.opened }) == 0 { await Task.yield() }
        run.cancel(reason: "enough")
        #expect(try await run.finished().result().status == .cancelled)
        #expect(streams.count.withLock { $0.closed } == 1)
    }
}
