internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Synchronization
internal import Testing

@testable internal import WorkflowServer

@Suite("Large answers")
struct LargeAnswerTests {
    private final class Taken: Sendable {
        let lengths = Mutex<[Int]>([])
    }

    private struct Writer: ResponseBodyWriter {
        let taken: Taken

        mutating func write(_ buffer: ByteBuffer) async throws {
            taken.lengths.withLock { $0.append(buffer.readableBytes) }
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    private static func answer(_ length: Int) -> Response {
        Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(repeating: 65, count: length)))
    }

    @Test func `large answers count until they are taken`() async throws {
        let budget = BodyBudget(1_000_000)
        var first = Self.answer(600_000).counted(in: budget)
        #expect(first?.body.contentLength == 600_000)
        #expect(Self.answer(600_000).counted(in: budget) == nil)
        // Small ones do not count.
        #expect(Self.answer(100_000).counted(in: budget) != nil)
        let taken = Taken()
        try await first?.body.write(Writer(taken: taken))
        #expect(taken.lengths.withLock { $0 } == [600_000])
        first = nil
        // One that is dropped is given back as well; one that is larger than all may come alone.
        for _ in 0..<2 { #expect(Self.answer(5_000_000).counted(in: budget) != nil) }
    }

    @Test func `a client that takes nothing of its answer loses the connection`() async throws {
        var options = ServerOptions()
        options.takingTimeout = .milliseconds(300)
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            // More than the buffers on the way hold.
            let text = String(repeating: "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", count: 300)
            let port = server.port
            let lengths = await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    let one = RawConnection(port: port)
                    one?.say("GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    let length = one?.drain() ?? 0
                    one?.close()
                    let lazy = RawConnection(port: port, room: 8192)
                    lazy?.say(text)
                    sleep(8)
                    continuation.resume(returning: (one: length, all: lazy?.drain() ?? 0))
                    lazy?.close()
                }
            }
            #expect(lengths.one > 30_000 && lengths.all > lengths.one && lengths.all < 300 * lengths.one, "\(lengths)")
        }
    }
}
