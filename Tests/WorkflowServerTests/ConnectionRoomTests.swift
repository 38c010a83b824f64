internal import Logging
internal import Testing

@testable internal import WorkflowServer

@Suite("Room for connections")
struct ConnectionRoomTests {
    @Test(
        arguments: [
            (50_000, nil, 50_000, 49_936), (50_000, 20_000, 15_000, 14_936), (100, 20_000, 100, 75), (8, nil, 8, 6),
            (50_000, 64, 32, 24), (50_000, 24, 4, 3), (0, nil, 4, 3),
        ] as [(Int, Int?, Int, Int)])
    func `connections leave files to the rest of the process`(
        _ asked: Int, _ descriptors: Int?, _ limit: Int, _ usual: Int
    ) {
        let room = ConnectionRoom(asked, descriptors: descriptors, logger: Logger(label: "test"))
        #expect(room.limit == limit)
        #expect(room.usual == usual)
    }

    @Test func `whoever watches the process is answered while clients hold all connections`() async throws {
        var options = ServerOptions()
        options.connectionLimit = 8
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            // Streams hold as many as are served in full.
            let held = try (0..<6).map { _ in try #require(RawConnection(port: server.port)) }
            defer { for connection in held.dropFirst(3) { connection.close() } }
            for connection in held { connection.say("GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n") }
            func ask(_ path: String) async -> String {
                await RawConnection.conversation(
                    "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", port: server.port)
            }
            // Until the server has taken all of them.
            var answer = ""
            for _ in 0..<200 where !answer.hasPrefix("HTTP/1.1 503 ") {
                try await Task.sleep(for: .milliseconds(10))
                answer = await ask("/api/version")
            }
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("overloaded"), "\(answer)")
            #expect(await ask("/health/live").hasPrefix("HTTP/1.1 200 "))
            // A client in one of the last places that says nothing loses it soon.
            let silent = try (0..<4).map { _ in try #require(RawConnection(port: server.port)) }
            defer { for connection in silent { connection.close() } }
            #expect(await ask("/health/live").hasPrefix("HTTP/1.1 200 "))
            for connection in held.prefix(3) { connection.reset() }
            answer = ""
            for _ in 0..<500 where !answer.hasPrefix("HTTP/1.1 200 ") {
                try await Task.sleep(for: .milliseconds(10))
                answer = await ask("/api/version")
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
        }
    }
}
