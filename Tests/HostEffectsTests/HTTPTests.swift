import Compression
import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

/// Asks the service for one request and waits for its answer.
func ask(
    _ payload: Value, net: Permissions.Scope = .everything, settings: HTTPSettings = HTTPSettings()
) async -> HostAnswer {
    var permissions = Permissions()
    permissions.net = net
    return await ask(payload, HostEffectsService(permissions: permissions, settings: settings))
}

/// Asks a service that keeps its connections.
func ask(_ payload: Value, _ service: HostEffectsService) async -> HostAnswer {
    return await withCheckedContinuation { continuation in
        _ = service.begin(HostCall("http", payload: payload, workflow: "w", run: "r", path: "s")) {
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
        #expect(answer.value["message"] == "no secure connection to 127.0.0.1: the handshake failed")
    }

    @Test(arguments: [
        "", "example.com", "ftp://example.com/", "http:///path", "http://exa mple.com/", "http://a/\r\nx",
        "http://a:0/", "http://a:65536/", "http://a:99999999999999999999/", "http://a:x/", "http://a/%", "http://a/%zz",
        "http://a/?q=%2", "http://%zz@a/",
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

    @Test(arguments: [5, 1.5, true, ["a": 1], [1]] as [Value])
    func `a body that is no text is refused`(body: Value) async {
        let answer = await ask(["method": "POST", "url": "http://127.0.0.1:1/", "body": body])
        #expect(answer.value["code"] == "invalid_request")
        #expect(answer.value["message"]?.string?.contains("`json`") == true)
    }

    @Test(
        arguments: [
            ["query": 5], ["query": true], ["headers": "x-a: b"], ["headers": ["x-a: b"]], ["headers": ["x-a": true]],
            ["headers": ["host": ["a", "b"]]], ["max_size": 268_435_457], ["max_size": -1], ["timeout": 0],
            ["queue_timeout": "soon"],
        ] as [Value])
    func `what cannot be sent as it was meant is refused`(options: Value) async {
        var entries = (options.entries ?? []).map { ($0.key, $0.value) }
        entries.append(("url", "http://127.0.0.1:1/"))
        let answer = await ask(Value(entries: entries))
        #expect(answer.value["code"] == "invalid_request", "\(answer.value.json)")
    }

    @Test func `a query that is text is taken as it is`() async {
        let server = LoopbackServer { _ in .text("") }
        _ = await ask(["url": Value(server.base + "/p?x=1"), "query": "a=b%20c"])
        #expect(server.requests.first?.line == "GET /p?x=1&a=b%20c")
    }

    @Test func `the user and password of a URL are sent as Basic, and are no part of the answer's url`() async {
        let server = LoopbackServer { _ in .text("") }
        let answer = await ask(["url": Value("http://me:p%40ss@127.0.0.1:\(server.port)/a")])
        #expect(server.requests.first?.headers["authorization"] == "Basic bWU6cEBzcw==")
        #expect(answer.value["url"] == Value(server.base + "/a"))
    }

    @Test func `repeated headers come as a list`() async {
        let server = LoopbackServer { _ in
            .raw("HTTP/1.1 200 OK\r\nSet-Cookie: a=1, x\r\nset-cookie: b=2\r\nETag: e\r\nContent-Length: 0\r\n\r\n")
        }
        let answer = await ask(["url": Value(server.base + "/")])
        #expect(answer.value["headers"]?["set-cookie"] == ["a=1, x", "b=2"])
        #expect(answer.value["headers"]?["etag"] == "e")
    }

    @Test func `compressed answers are unpacked, within the limit`() async {
        // "hello hello hello\n" as gzip writes it.
        let packed: [UInt8] = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x90, 0x5c, 0, 0x3b,
            0x7c,
            0x8a, 0xdf, 0x12, 0, 0, 0,
        ]
        let server = LoopbackServer {
            .full(
                200, ["Content-Encoding": "gzip"],
                $0.line == "GET /cut" ? [1, 2, 3] : $0.line == "GET /empty" ? [] : packed)
        }
        let answer = await ask(["url": Value(server.base + "/")])
        #expect(answer.value["body"] == "hello hello hello\n", "\(answer.value.json)")
        #expect(server.requests.first?.headers["accept-encoding"]?.contains("gzip") == true)
        let bomb = await ask(["url": Value(server.base + "/"), "max_size": 10])
        #expect(bomb.value["code"] == "too_large")
        let head = await ask(["method": "HEAD", "url": Value(server.base + "/")])
        #expect(head.value["status"] == 200, "\(head.value.json)")
        let empty = await ask(["url": Value(server.base + "/empty")])
        #expect(empty.value["body"] == "", "\(empty.value.json)")
        let damaged = await ask(["url": Value(server.base + "/cut")])
        #expect(damaged.value["code"] == "http_failed")
        #expect(damaged.value["message"] == "127.0.0.1: its compressed answer is damaged")
    }

    @Test func `an answer of several members of gzip is the text of all of them, within the limit`() async throws {
        let parts = ["hello ", "", String(repeating: "big ", count: 50_000), "end"]
        let members = try parts.map { try #require(gzip(Array($0.utf8))) }
        let packed = members.flatMap { $0 }
        let last = try #require(members.last)
        let bodies = [
            "/whole": packed, "/cut": packed.dropLast(3), "/begun": packed + last.prefix(5),
            "/more": packed + [1, 2, 3],
        ]
        let server = LoopbackServer { request in
            let path = String(request.line.split(separator: " ").last ?? "")
            return .full(200, ["Content-Encoding": path == "/whole" ? "GZIP" : "gzip"], Array(bodies[path] ?? []))
        }
        let whole = await ask(["url": Value(server.base + "/whole")])
        #expect(whole.value["body"]?.string == parts.joined())
        // The limit is that of all members together.
        let size = parts.joined().utf8.count
        #expect(await ask(["url": Value(server.base + "/whole"), "max_size": Value(Int64(size))]).ok)
        let large = await ask(["url": Value(server.base + "/whole"), "max_size": Value(Int64(size - 1))])
        #expect(large.value["code"] == "too_large")
        for path in ["/cut", "/begun", "/more"] {
            let damaged = await ask(["url": Value(server.base + path)])
            #expect(damaged.value["message"] == "127.0.0.1: its compressed answer is damaged", "\(path)")
        }
    }

    @Test(
        arguments: [
            ("120", 120), ("0", 0), ("Wed, 21 Oct 2026 07:28:30 GMT", 30), ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
            ("soon", nil), ("-5", nil), ("", nil),
        ] as [(String, Int64?)])
    func `Retry-After is read as seconds`(text: String, seconds: Int64?) async {
        let server = LoopbackServer { _ in
            .full(429, ["Retry-After": text, "Date": "Wed, 21 Oct 2026 07:28:00 GMT"], [])
        }
        let answer = await ask(["url": Value(server.base + "/")])
        #expect(answer.value["retry_after"]?.int == seconds)
    }

    @Test func `errors of TLS are said in words`() {
        let stack =
            "handshakeFailed(NIOSSL.BoringSSLError.sslError([Error: 1 error:1000007d:SSL routines:OPENSSL_internal:"
        #expect(
            TLSText.words(stack + "CERTIFICATE_VERIFY_FAILED at /x/y.cc:1])").hasPrefix(
                "its certificate is not trusted"))
        #expect(TLSText.words(stack + "WRONG_VERSION_NUMBER at /x/y.cc:1])") == "it does not speak TLS at this port")
        #expect(TLSText.words(stack + "BAD_DECRYPT at /x/y.cc:1])") == "the handshake failed (bad decrypt)")
        #expect(TLSText.words("?") == "the handshake failed")
    }

    @Test func `a cancelled request breaks its connection off and gives no answer`() async throws {
        let server = LoopbackServer { _ in .silence }
        var permissions = Permissions()
        permissions.net = .everything
        let service = HostEffectsService(permissions: permissions)
        let request = HostCall("http", payload: ["url": Value(server.base + "/")])
        let operation = service.begin(request) {
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
