import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

/// Asks the service for one request and waits for its answer.
private func ask(_ payload: Value, net: Permissions.Scope = .everything) async -> HostAnswer {
    var permissions = Permissions()
    permissions.net = net
    let service = HostEffectsService(permissions: permissions)
    let caller = HostCaller(workflow: "w", run: "r", path: "s")
    return await withCheckedContinuation { continuation in
        _ = service.begin(HostRequest(token: 1, operation: "http", payload: payload), for: caller) {
            continuation.resume(returning: $0)
        }
    }
}

struct HTTPTests {
    @Test func `a request carries its method, headers, query and body, and the answer comes back whole`() async {
        let server = LoopbackServer { _ in
            .full(201, ["X-Kind": "test", "Content-Type": "text/plain"], Array("made".utf8))
        }
        let answer = await ask([
            "method": "POST", "url": Value("\(server.base)/orders?a=1"), "headers": ["x-key": "k"],
            "query": ["q": "two words", "list": ["x", "y"], "n": 3], "body": "{}",
        ])
        #expect(answer.ok)
        #expect(answer.value["status"] == 201)
        #expect(answer.value["body"] == "made")
        #expect(answer.value["headers"]?["x-kind"] == "test")
        let request = server.requests.first
        #expect(request?.line == "POST /orders?a=1&list=x&list=y&n=3&q=two%20words")
        #expect(request?.headers["x-key"] == "k")
        #expect(request?.headers["user-agent"] == "aikit-lua/\(engineVersion)")
        #expect(request.map { String(decoding: $0.body, as: UTF8.self) } == "{}")
    }

    @Test func `bodies are bytes in both directions`() async {
        let bytes: [UInt8] = [0, 255, 128, 10, 0xC3]
        let server = LoopbackServer { .full(200, [:], $0.body) }
        let body = Value { arena in bytes.withUnsafeBytes { arena.writeString($0) } }
        let answer = await ask(["method": "PUT", "url": Value(server.base + "/"), "body": body])
        #expect(answer.value["body"]?.withCursor { $0.stringBytes.map(Array.init) } == bytes)
    }

    @Test func `a status that says no is an answer, not an error`() async {
        let server = LoopbackServer { _ in .text("no", status: 404) }
        let answer = await ask(["url": Value(server.base + "/")])
        #expect(answer.ok)
        #expect(answer.value["status"] == 404)
    }

    @Test func `a server that says nothing is given up when the time is over`() async {
        let server = LoopbackServer { _ in .silence }
        let answer = await ask(["url": Value(server.base + "/"), "timeout": "100ms"])
        #expect(answer.value["code"] == "http_timeout")
        #expect(answer.value["retryable"] == true)
        #expect(answer.value["message"] == "127.0.0.1 did not answer within 100 ms")
    }

    @Test func `an answer that is announced as too large is refused`() async {
        let server = LoopbackServer { _ in .full(200, [:], Array(repeating: 65, count: 2000)) }
        let answer = await ask(["url": Value(server.base + "/"), "max_size": 1000])
        #expect(answer.value["code"] == "too_large")
        #expect(answer.value["retryable"] == false)
        let message: Value = "the answer of 127.0.0.1 is larger than 1000 bytes; max_size raises the limit"
        #expect(answer.value["message"] == message)
    }

    @Test func `an answer that turns out too large is refused`() async {
        let server = LoopbackServer { _ in
            .raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + String(repeating: "x", count: 5000))
        }
        let answer = await ask(["url": Value(server.base + "/"), "max_size": 1000])
        #expect(answer.value["code"] == "too_large")
    }

    @Test func `nothing at the port is connection_refused`() async {
        let port: Int
        do { port = LoopbackServer { _ in .silence }.port }
        let answer = await ask(["url": Value("http://127.0.0.1:\(port)/"), "timeout": "5s"])
        #expect(answer.value["code"] == "connection_refused")
        #expect(answer.value["message"] == Value("nothing listens at 127.0.0.1:\(port)"))
    }

    @Test func `a name that nobody has is a dns error`() async {
        let answer = await ask(["url": "http://no-such-host.invalid/", "timeout": "20s"])
        #expect(answer.value["code"] == "dns")
    }

    @Test func `a connection that ends early is connection_closed`() async {
        let server = LoopbackServer { _ in .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") }
        let answer = await ask(["url": Value(server.base + "/")])
        #expect(answer.value["code"] == "connection_closed", "\(answer.value.json)")
    }

    @Test func `a server without TLS is a tls error`() async {
        let server = LoopbackServer { _ in .text("plain") }
        let answer = await ask(["url": Value("https://127.0.0.1:\(server.port)/"), "timeout": "5s"])
        #expect(answer.value["code"] == "tls")
    }

    @Test(arguments: [
        "", "example.com", "ftp://example.com/", "http:///path", "http://exa mple.com/", "http://a/\r\nx",
    ])
    func `what is no URL is refused`(url: String) async {
        let answer = await ask(["url": Value(url)])
        #expect(answer.value["code"] == "invalid_url")
        #expect(answer.value["retryable"] == false)
    }

    @Test func `a header cannot smuggle another one in`() async {
        let answer = await ask(["url": "http://127.0.0.1/", "headers": ["x-a": "1\r\nx-b: 2"]])
        #expect(answer.value["code"] == "invalid_request")
    }

    @Test func `a cancelled request breaks its connection off and gives no answer`() async throws {
        let server = LoopbackServer { _ in .silence }
        var permissions = Permissions()
        permissions.net = .everything
        let service = HostEffectsService(permissions: permissions)
        let request = HostRequest(token: 1, operation: "http", payload: ["url": Value(server.base + "/")])
        let operation = service.begin(request, for: HostCaller(workflow: "w", run: "r", path: "s")) {
            Issue.record("a cancelled request has answered: \($0.value.json)")
        }
        while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        operation?.cancel()
        while server.abandoned == 0 { try await Task.sleep(for: .milliseconds(1)) }
    }
}

struct RedirectTests {
    @Test func `redirects are followed, and the url of the answer is the last one`() async {
        let server = LoopbackServer { request in
            request.line == "GET /a" ? .redirect(302, to: "/b?x=1") : .text("there")
        }
        let answer = await ask(["url": Value(server.base + "/a")])
        #expect(answer.value["body"] == "there")
        #expect(answer.value["url"] == Value(server.base + "/b?x=1"))
    }

    @Test func `a post is repeated after 307, and becomes a get after 302`() async {
        let server = LoopbackServer { request in
            switch request.line {
            case "POST /keep": .redirect(307, to: "/end")
            case "POST /change": .redirect(302, to: "/end")
            default: .text(request.line + " " + String(decoding: request.body, as: UTF8.self))
            }
        }
        let kept = await ask(["method": "POST", "url": Value(server.base + "/keep"), "body": "data"])
        #expect(kept.value["body"] == "POST /end data")
        let changed = await ask(["method": "POST", "url": Value(server.base + "/change"), "body": "data"])
        #expect(changed.value["body"] == "GET /end ")
    }

    @Test func `a circle ends at the limit`() async {
        let server = LoopbackServer { _ in .redirect(301, to: "/") }
        let answer = await ask(["url": Value(server.base + "/"), "redirects": 3])
        #expect(answer.value["code"] == "too_many_redirects")
        #expect(server.requests.count == 4)
    }

    @Test func `with no redirects allowed, the redirect is the answer`() async {
        let server = LoopbackServer { _ in .redirect(301, to: "/") }
        let answer = await ask(["url": Value(server.base + "/"), "redirects": 0])
        #expect(answer.value["status"] == 301)
    }

    @Test func `each hop needs its permission`() async {
        let server = LoopbackServer { request in
            .redirect(302, to: "http://localhost:\(request.headers["host"]?.split(separator: ":").last ?? "")/")
        }
        let answer = await ask(["url": Value(server.base + "/")], net: .only(["127.0.0.1"]))
        #expect(answer.value["code"] == "permission_denied")
        let message =
            "calling localhost, to which 127.0.0.1 redirects, is not allowed; "
            + "run with --allow-net=localhost:\(server.port) to allow it"
        #expect(answer.value["message"] == Value(message))
        #expect(server.requests.count == 1)
    }

    @Test func `another origin learns no secrets`() async {
        let target = LoopbackServer { _ in .text("ok") }
        let server = LoopbackServer { [port = target.port] _ in .redirect(302, to: "http://127.0.0.1:\(port)/") }
        _ = await ask(["url": Value(server.base + "/"), "headers": ["authorization": "Bearer x", "x-other": "1"]])
        #expect(server.requests.first?.headers["authorization"] == "Bearer x")
        #expect(target.requests.first?.headers["authorization"] == nil)
        #expect(target.requests.first?.headers["x-other"] == "1")
    }
}
