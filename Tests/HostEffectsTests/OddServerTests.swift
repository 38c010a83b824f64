import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

/// What servers send that is no answer: always an error in words, never a trap, and never without end.
struct OddServerTests {
    @Test(arguments: [0, 1, 10, 99, 600, 999])
    func `a status that HTTP does not have is http_failed`(status: Int) async {
        let text = String(repeating: "0", count: 3 - "\(status)".count) + "\(status)"
        let server = LoopbackServer { _ in .raw("HTTP/1.1 \(text) Odd\r\nContent-Length: 2\r\n\r\nab") }
        let answer = await ask(["url": Value(server.base + "/"), "timeout": "5s"])
        #expect(answer.value["code"] == "http_failed")
        #expect(
            answer.value["message"]
                == Value("127.0.0.1: it answers with status \(status), which HTTP does not have"))
    }

    @Test(arguments: [
        "hello\n", "\u{0}\u{1}\u{2}\u{3}", "HTTP/9.9 abc\r\n\r\n", "HTTP/1.1 2000 X\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ])
    func `what is no HTTP is http_failed, in words`(text: String) async {
        let server = LoopbackServer { _ in .raw(text) }
        let answer = await ask(["url": Value(server.base + "/"), "timeout": "5s"])
        #expect(!answer.ok)
        let message = answer.value["message"]?.string ?? ""
        let isKnown = ["http_failed", "connection_closed"].contains(answer.value["code"]?.string)
        #expect(isKnown, "\(answer.value.json)")
        #expect(!message.contains("invalid constant") && !message.contains("Error("), "\(message)")
    }

    @Test(arguments: [
        // A head that never ends, by lines and in one line.
        ("HTTP/1.1 200 OK\r\n", "X-A: b\r\n"), ("HTTP/1.1 200 OK\r\nX-A: ", "aaaaaaaaaaaaaaaa"),
        // Informational answers without end.
        ("", "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"), ("", "HTTP/1.1 100 Continue\r\n\r\n"),
    ])
    func `heads without end are http_failed`(start: String, part: String) async {
        let server = LoopbackServer { _ in .endless(start, String(repeating: part, count: 200)) }
        let answer = await ask(["url": Value(server.base + "/"), "timeout": "20s"])
        #expect(answer.value["code"] == "http_failed", "\(answer.value.json)")
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\n", "body"), ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"),
    ])
    func `bodies without end are too_large`(start: String, part: String) async {
        let server = LoopbackServer { _ in .endless(start, String(repeating: part, count: 200)) }
        let answer = await ask(["url": Value(server.base + "/"), "timeout": "20s", "max_size": 100_000])
        #expect(answer.value["code"] == "too_large", "\(answer.value.json)")
    }

    @Test func `an extension of a chunk that never ends is cut off by the time`() async {
        let server = LoopbackServer { _ in
            .endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", String(repeating: "x", count: 100))
        }
        let answer = await ask(["url": Value(server.base + "/"), "timeout": "300ms"])
        #expect(answer.value["code"] == "http_timeout", "\(answer.value.json)")
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Le", ""])
    func `an answer that stops is cut off by the time of the request`(start: String) async {
        let server = LoopbackServer { _ in .stuck(start) }
        let answer = await ask(["url": Value(server.base + "/"), "timeout": "200ms"])
        #expect(answer.value["code"] == "http_timeout")
        #expect(answer.value["message"] == "127.0.0.1 did not answer within 200 ms")
    }

    @Test func `a body that comes drop by drop is cut off by the time of the request`() async {
        let server = LoopbackServer { _ in .endless("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", "x") }
        let answer = await ask(["url": Value(server.base + "/"), "timeout": "300ms", "max_size": 200_000_000])
        #expect(answer.value["code"] == "http_timeout")
    }

    @Test func `more than was announced is dropped`() async {
        let server = LoopbackServer { _ in .raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcdef") }
        let answer = await ask(["url": Value(server.base + "/")])
        #expect(answer.value["body"] == "ab")
    }
}
