import FlatValue
import Foundation
import Testing
import WorkflowServer

@Suite("Slow and old clients")
struct SlowClientTests {
    @Test(arguments: [
        "", "GET /api/version HTTP/1.1\r\nX-Half: ",
        "POST /api/workflows/greet/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    ])
    func `a request that does not come to its end is not waited for`(_ text: String) async throws {
        var options = ServerOptions()
        options.headTimeout = .milliseconds(200)
        options.bodyTimeout = .milliseconds(200)
        try await RunningServer.with(TestWorkflows.all(), options: options) { (server) async throws in
            // It returns because the server closes.
            let answer = await RawConnection.conversation(text, port: server.port)
            #expect(!answer.contains("200 OK"))
            #expect(try await server.get("/api/version").status == 200)
        }
    }

    @Test func `a connection on which nothing more is asked is closed`() async throws {
        var options = ServerOptions()
        options.headTimeout = .milliseconds(200)
        try await RunningServer.with(TestWorkflows.all(), options: options) { (server) async throws in
            let request = "GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n"
            // It returns because the server closes.
            let answer = await RawConnection.conversation(request + request, port: server.port)
            #expect(answer.components(separatedBy: "HTTP/1.1 200 OK").count == 3)
        }
    }

    @Test func `a client of HTTP 1_0 sees the end of its answer by that of the connection`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let answer = await RawConnection.conversation(
                "GET /api/version HTTP/1.0\r\nHost: x\r\n\r\n", port: server.port)
            #expect(answer.hasPrefix("HTTP/1.0 200"))
            #expect(answer.hasSuffix("}"))
        }
    }

    @Test(arguments: [
        ("/api/workflows/greet/runs", "1.1", "413"), ("/hooks/none", "1.1", "404"),
        ("/api/workflows/greet/runs", "1.0", "413"),
    ])
    func `a client that sends all of a refused body before it reads gets its answer`(
        _ path: String, _ version: String, _ status: String
    ) async throws {
        var options = ServerOptions()
        options.bodyLimit = 1 << 20
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            // More than the buffers on the way take.
            let body = String(repeating: "x", count: 24 << 20)
            let answer = await RawConnection.conversation(
                "POST \(path) HTTP/\(version)\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n" + body, port: server.port)
            #expect(answer.hasPrefix("HTTP/\(version) \(status)"), "\(answer)")
            #expect(answer.hasSuffix("}"))
        }
    }

    @Test(arguments: ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nhost: a\r\n"])
    func `a request that is not for one host is refused`(_ hosts: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let good = "GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n"
            let answer = await RawConnection.conversation(
                good + "GET /api/version HTTP/1.1\r\n" + hosts + "\r\n" + good, port: server.port)
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(answer.components(separatedBy: "HTTP/1.1 400").count == 2)
            #expect(answer.components(separatedBy: "HTTP/1.1 200").count == 2)
        }
    }

    @Test func `a client that waits to be told to send its body is told, and not when it is too large`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            func request(_ length: Int, _ body: String) -> String {
                "POST /api/workflows/greet/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    + "Expect: 100-continue\r\nConnection: close\r\nContent-Length: \(length)\r\n\r\n" + body
            }
            // The answer to what was asked before comes first, in one piece.
            let good = "GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n"
            let body = #"{"inputData":{"name":"Ada"}}"#
            let told = await RawConnection.conversation(good + request(body.utf8.count, body), port: server.port)
            let statuses = told.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
            #expect(statuses == ["200", "100", "200"], "\(told)")
            let refused = await RawConnection.conversation(request(1 << 40, ""), port: server.port)
            #expect(refused.hasPrefix("HTTP/1.1 413"), "\(refused)")
            // Also where the length is more than a number here can be.
            for length in ["9223372036854775808", "18446744073709551615"] {
                let head = request(1, "").replacing("Expect: 100-continue\r\n", with: "")
                    .replacing("Content-Length: 1\r\n", with: "Content-Length: \(length)\r\n")
                let refused = await RawConnection.conversation(head, port: server.port)
                #expect(refused.hasPrefix("HTTP/1.1 413"), "\(refused)")
            }
        }
    }

    @Test(arguments: [
        ("\u{16}\u{3}\u{1}\r\n\r\n", "400", "bad_request"),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400", "bad_request"),
        ("GET / HTTP/1.1\r\n\r\n", "400", "bad_request"),
        ("FOO / HTTP/1.1\r\nHost: x\r\n\r\n", "501", "unknown_method"),
        ("get / HTTP/1.1\r\nHost: x\r\n\r\n", "501", "unknown_method"),
        ("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", "501", "unknown_method"),
        (
            "GET / HTTP/1.1\r\nHost: x\r\nX: " + String(repeating: "x", count: 100_000) + "\r\n\r\n", "431",
            "headers_too_large"
        ),
    ])
    func `what is no request has an answer like every other error`(
        _ text: String, _ status: String, _ code: String
    ) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let answer = await RawConnection.conversation(text, port: server.port)
            #expect(answer.hasPrefix("HTTP/1.1 " + status), "\(answer)")
            let body = try? Value(json: answer.components(separatedBy: "\r\n\r\n").dropFirst().joined())
            #expect(body?["code"]?.string == code && body?["error"]?.string?.isEmpty == false, "\(answer)")
        }
    }

    @Test func `what the whole server takes is told, to other sites as well as to anybody`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let answer = await RawConnection.conversation(
                "OPTIONS * HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.example\r\n"
                    + "Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n", port: server.port
            ).lowercased()
            #expect(answer.hasPrefix("http/1.1 204"), "\(answer)")
            #expect(answer.contains("allow: delete, get, head, options, post\r\n"))
            #expect(!answer.contains("access-control"))
        }
    }

    @Test(arguments: ["zz", "10000000000000000", String(repeating: "f", count: 40)])
    func `chunks that are none are a bad request`(_ size: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let head = "POST /api/workflows/greet/run HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            let answer = await RawConnection.conversation(head + size + "\r\n{}\r\n", port: server.port)
            #expect(answer.hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test(arguments: [
        ("gzip, chunked", "501"), ("gzip\r\nTransfer-Encoding: chunked", "501"), ("identity, chunked", "501"),
        ("chunked", "200"), ("Chunked", "200"),
    ])
    func `a body in a coding that nobody undoes is refused, and nothing of it is read as a request`(
        _ coding: String, _ status: String
    ) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let body = #"{"inputData":{"name":"Ada"}}"#
            let answer = await RawConnection.conversation(
                "POST /api/workflows/greet/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    + "Connection: close\r\nTransfer-Encoding: \(coding)\r\n\r\n"
                    + String(body.utf8.count, radix: 16) + "\r\n\(body)\r\n0\r\n\r\n", port: server.port)
            #expect(answer.hasPrefix("HTTP/1.1 " + status), "\(answer)")
            #expect(answer.components(separatedBy: "HTTP/1.1 ").count == 2)
            #expect((status == "501") == answer.contains("unsupported_transfer_encoding"))
        }
    }

    @Test(arguments: [
        ("GET", "http://127.0.0.1/api/version", "evil.example", "200"),
        ("GET", "HTTP://127.0.0.1:8787/api/runs?limit=1", "evil.example", "200"),
        ("GET", "https://127.0.0.1/api/runs?limit=x", "evil.example", "400"),
        ("GET", "http://evil.example/api/version", "127.0.0.1", "403"), ("GET", "http://127.0.0.1?a=b", "x", "200"),
        ("GET", "http:///api/version", "x", "400"), ("GET", "ftp://127.0.0.1/api/version", "x", "400"),
        ("GET", "http://me@127.0.0.1/api/version", "x", "400"), ("OPTIONS", "http://127.0.0.1", "evil.example", "204"),
    ])
    func `a target that names the server is one of its paths, and the name goes before Host`(
        _ method: String, _ target: String, _ host: String, _ status: String
    ) async throws {
        var options = ServerOptions()
        options.hosts = ["127.0.0.1"]
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            let answer = await RawConnection.conversation(
                "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n", port: server.port)
            #expect(answer.hasPrefix("HTTP/1.1 " + status), "\(answer)")
        }
    }
}
