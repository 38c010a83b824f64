import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

struct ConnectionTests {
    private func service(_ settings: HTTPSettings = HTTPSettings()) -> HostEffectsService {
        var permissions = Permissions()
        permissions.net = .everything
        return HostEffectsService(permissions: permissions, settings: settings)
    }

    @Test func `a connection is used again`() async {
        let server = LoopbackServer { _ in .kept("ok") }
        let service = service()
        for _ in 0..<3 { #expect(await ask(["url": Value(server.base + "/")], service).value["body"] == "ok") }
        #expect(server.connections == 1)
    }

    @Test func `a get whose used connection ends before the first byte is sent again`() async {
        let server = LoopbackServer { _ in .keptOnce("ok") }
        let service = service()
        for _ in 0..<4 { #expect(await ask(["url": Value(server.base + "/")], service).value["body"] == "ok") }
        #expect(server.connections == 4)
    }

    @Test func `a post whose used connection ends is not sent twice`() async {
        let server = LoopbackServer { _ in .keptOnce("ok") }
        let service = service()
        let request: Value = ["method": "POST", "url": Value(server.base + "/"), "body": "x"]
        #expect(await ask(request, service).ok)
        let answer = await ask(request, service)
        #expect(answer.value["code"] == "connection_closed")
        #expect(server.connections == 1)
    }

    @Test func `a server that closes without a word costs no request`() async {
        let server = LoopbackServer { _ in .raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }
        let service = service()
        for number in 0..<100 {
            let answer = await ask(["url": Value(server.base + "/\(number)")], service)
            #expect(answer.value["body"] == "ok", "\(answer.value.json)")
        }
    }

    @Test func `the wait for a turn is not the server's time, and has a limit of its own`() async {
        let server = LoopbackServer { request in request.line == "GET /slow" ? .stuck("") : .text("ok") }
        var settings = HTTPSettings()
        settings.connectionsPerHost = 1
        let service = service(settings)
        async let slow = ask(["url": Value(server.base + "/slow"), "timeout": "3s"], service)
        while server.requests.isEmpty { try? await Task.sleep(for: .milliseconds(1)) }
        async let late = ask(["url": Value(server.base + "/a"), "timeout": "2s"], service)
        let refused = await ask(["url": Value(server.base + "/b"), "queue_timeout": "50ms"], service)
        #expect(refused.value["code"] == "http_queue")
        #expect(refused.value["retryable"] == true)
        #expect(await slow.value["code"] == "http_timeout")
        // It waited longer than its own timeout, which began with its turn.
        let answer = await late
        #expect(answer.value["body"] == "ok", "\(answer.value.json)")
    }

    @Test func `two hundred requests to one host are under way at once`() async {
        let server = LoopbackServer { _ in .stuck("") }
        let service = service()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask { _ = await ask(["url": Value(server.base + "/"), "timeout": "10s"], service) }
            }
            while server.requests.count < 200 { try? await Task.sleep(for: .milliseconds(1)) }
            #expect(server.requests.count == 200)
            server.hangUp()
        }
    }

    @Test func `an http proxy is asked for the whole URL`() async {
        let proxy = LoopbackServer { .text($0.line + " " + ($0.headers["proxy-authorization"] ?? "")) }
        var settings = HTTPSettings()
        settings.httpProxy = "http://me:secret@127.0.0.1:\(proxy.port)"
        settings.noProxy = ["direct.example"]
        let answer = await ask(["url": "http://nowhere.example/a?b=c"], settings: settings)
        #expect(answer.value["body"] == "GET http://nowhere.example/a?b=c Basic bWU6c2VjcmV0")
        #expect(answer.value["url"] == "http://nowhere.example/a?b=c")
        #expect(proxy.requests.first?.headers["host"] == "nowhere.example")
    }

    @Test func `an https proxy is asked for a tunnel`() async {
        let proxy = LoopbackServer { _ in .text("no", status: 403) }
        var settings = HTTPSettings()
        settings.httpsProxy = "127.0.0.1:\(proxy.port)"
        let answer = await ask(["url": "https://nowhere.example/"], settings: settings)
        #expect(!answer.ok)
        #expect(proxy.requests.first?.line == "CONNECT nowhere.example:443")
    }

    @Test func `settings come from the environment, names in lower case first`() throws {
        let environment = [
            "HTTP_PROXY": "http://upper:1", "http_proxy": "http://lower:1", "HTTPS_PROXY": "http://s:1",
            "NO_PROXY": "example.com, .internal,host:8080", "SSL_CERT_FILE": "/ca.pem",
            "AIKIT_LUA_HTTP_CONNECTIONS": "7",
        ]
        let settings = HTTPSettings { environment[$0] }
        #expect(settings.httpProxy == "http://lower:1")
        #expect(settings.authorities == "/ca.pem")
        #expect(settings.connectionsPerHost == 7)
        func proxy(_ url: String) throws -> String? { settings.proxy(for: try WebAddress(url)) }
        #expect(try proxy("http://a.org/") == "http://lower:1")
        #expect(try proxy("https://a.org/") == "http://s:1")
        #expect(try proxy("http://example.com/") == nil)
        #expect(try proxy("http://api.example.com/") == nil)
        #expect(try proxy("http://badexample.com/") != nil)
        #expect(try proxy("http://x.internal/") == nil)
        #expect(try proxy("http://host:8080/") == nil)
        #expect(try proxy("http://host/") != nil)
    }

    @Test func `a file of authorities that cannot be read is said`() async {
        var settings = HTTPSettings()
        settings.authorities = "/no/such/file.pem"
        let answer = await ask(["url": "https://127.0.0.1:1/"], settings: settings)
        #expect(answer.value["code"] == "tls")
        #expect(answer.value["message"]?.string?.contains("/no/such/file.pem") == true)
    }
}
