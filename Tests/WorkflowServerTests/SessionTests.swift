internal import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Sessions of a browser")
struct SessionTests {
    private static let csrf = ("X-CSRF-Protection", "1")
    private static let start: Value = ["inputData": 1]
    private static let path = "/api/workflows/wait/runs"

    private static func access() -> AccessControl {
        let jwt = JWTAccess(JWTOptions())
        jwt.add(secret: AccessTests.secret)
        return AccessControl(jwt: jwt)
    }

    private static func bearer(_ claims: String = #"{"role":"run","name":"Ada"}"#) -> [(String, String)] {
        [("Authorization", "Bearer \(AccessTests.token(claims))")]
    }

    /// The cookie that a log-in answers with, as a browser sends it.
    private static func cookie(_ server: RunningServer) async throws -> String {
        let answer = try await server.request("POST", "/api/session", headers: bearer())
        #expect(answer.status == 200)
        #expect(answer.json["principal"]?["name"] == "Ada")
        return String(try #require(answer.header("set-cookie")).prefix { $0 != ";" })
    }

    @Test func `a token becomes a cookie that no script reads and no other site sends`() async throws {
        try await RunningServer.with(TestWorkflows.all(), access: Self.access()) { server in
            let answer = try await server.request(
                "POST", "/api/session", headers: Self.bearer() + [("Origin", "https://flows.example")])
            let attributes = try #require(answer.header("set-cookie")).split(separator: "; ").dropFirst()
            #expect(attributes == ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"])
            let cookie = try await Self.cookie(server)
            #expect(cookie.hasPrefix("aikit_session_\(server.port)="))
            let version = try await server.get("/api/version", headers: [("Cookie", "a=b; \(cookie); c")])
            #expect(version.json["session"] == true)
            #expect(version.json["principal"]?["role"] == "run")
            let byHeader = try await server.get("/api/version", headers: Self.bearer() + [("Cookie", cookie)])
            #expect(byHeader.json["session"] == false)
        }
    }

    @Test func `what changes something by a session needs the header of the pages`() async throws {
        try await RunningServer.with(TestWorkflows.all(), access: Self.access()) { server in
            let cookie = ("Cookie", try await Self.cookie(server))
            #expect(try await server.get("/api/runs", headers: [cookie]).status == 200)
            let refused = try await server.post(Self.path, Self.start, headers: [cookie])
            #expect(refused.status == 403)
            #expect(refused.json["code"] == "csrf")
            #expect(try await server.post(Self.path, Self.start, headers: [cookie, Self.csrf]).status == 202)
            // A token of its own counts, and needs no such header.
            let own = Self.bearer(#"{"role":"read"}"#) + [cookie]
            #expect(try await server.post(Self.path, Self.start, headers: own).json["code"] == "forbidden")
            #expect(try await server.request("DELETE", "/api/session", headers: [cookie]).status == 403)
        }
    }

    @Test func `who logs out, or whose token is no longer good, has no cookie left`() async throws {
        var options = ServerOptions()
        options.basePath = "/flows"
        try await RunningServer.with(TestWorkflows.all(), access: Self.access(), options: options) { server in
            let out = try await server.request("DELETE", "/flows/api/session", headers: [Self.csrf])
            #expect(out.status == 204)
            let cleared = "aikit_session_\(server.port)=; Max-Age=0; Path=/flows/; HttpOnly; SameSite=Strict"
            #expect(out.header("set-cookie") == cleared)
            let stale = ("Cookie", "aikit_session_\(server.port)=\(AccessTests.token(#"{"exp":1}"#))")
            let refused = try await server.get("/flows/api/runs", headers: [stale])
            #expect(refused.status == 401)
            #expect(refused.header("set-cookie") == cleared)
            // The cookie of a server at another port is none of this one's.
            let other = ("Cookie", "aikit_session_1=\(AccessTests.token("{}"))")
            #expect(try await server.get("/flows/api/runs", headers: [other]).error == "Missing Authorization header")
        }
    }

    @Test func `a token that no cookie holds is refused, and without tokens nobody logs in`() async throws {
        try await RunningServer.with(TestWorkflows.all(), access: Self.access()) { server in
            let claims = #"{"role":"run","name":"\#(String(repeating: "a", count: 4000))"}"#
            let refused = try await server.request("POST", "/api/session", headers: Self.bearer(claims))
            #expect(refused.status == 400)
            #expect(refused.json["code"] == "token_too_long")
            #expect(try await server.request("POST", "/api/session").status == 401)
        }
        try await RunningServer.with(TestWorkflows.all()) { server in
            let answer = try await server.request("POST", "/api/session", headers: Self.bearer())
            #expect(answer.status == 200)
            #expect(answer.header("set-cookie") == nil)
            #expect(try await server.get("/api/version").json["session"] == false)
        }
    }
}
