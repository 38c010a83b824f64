internal import Crypto
import FlatValue
internal import Foundation
internal import JWTKit
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Access")
struct AccessTests {
    static let secret = "a secret of more than thirty-two bytes, which signers of tokens want"

    /// A token signed by HS256, with whatever header and claims.
    static func token(_ claims: String, header: String = #"{"alg":"HS256"}"#) -> String {
        func text(_ data: some Sequence<UInt8>) -> String {
            Data(data).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
                "=", with: "")
        }
        let signed = text(header.utf8) + "." + text(claims.utf8)
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(signed.utf8), using: SymmetricKey(data: Array(secret.utf8)))
        return signed + "." + text(code)
    }

    private static func bearer(_ token: String) -> [(String, String)] { [("Authorization", "Bearer \(token)")] }

    private static func jwt(_ change: (inout JWTOptions) -> Void = { _ in }) -> AccessControl {
        var options = JWTOptions()
        change(&options)
        let jwt = JWTAccess(options)
        jwt.add(secret: secret)
        return AccessControl(jwt: jwt)
    }

    @Test func `a JWT without a role sees and starts nothing`() async throws {
        try await RunningServer.with(TestWorkflows.all(), access: Self.jwt()) { (server) async throws in
            for claims in ["{}", #"{"role":null}"#] {
                let headers = Self.bearer(Self.token(claims))
                #expect(try await server.get("/api/workflows", headers: headers).status == 200)
                let start = try await server.post("/api/workflows/wait/runs", ["inputData": 1], headers: headers)
                #expect(start.status == 403)
            }
        }
        let refusing = Self.jwt { $0.defaultRole = "none" }
        try await RunningServer.with(TestWorkflows.all(), access: refusing) { (server) async throws in
            let answer = try await server.get("/api/workflows", headers: Self.bearer(Self.token("{}")))
            #expect(answer.status == 401)
        }
    }

    @Test(arguments: [
        (#"["read","run","editor"]"#, 202), (#"["read"]"#, 403), (#"["editor"]"#, 401), ("[]", 401), ("7", 401),
        (#"{"run":true}"#, 401), ("[1, null]", 401), (#"["editor",{"a":1},"admin"]"#, 202), ("\"RUN\"", 401),
    ])
    func `of a list of roles the one that may do the most counts, and what names none is refused`(
        _ roles: String, _ status: Int
    ) async throws {
        try await RunningServer.with(TestWorkflows.all(), access: Self.jwt()) { (server) async throws in
            let headers = Self.bearer(Self.token(#"{"role":\#(roles)}"#))
            let start = try await server.post("/api/workflows/wait/runs", ["inputData": 1], headers: headers)
            #expect(start.status == status)
        }
    }

    @Test(arguments: [#"["x"]"#, "[]", #"["exp"]"#, "null"])
    func `a JWT whose header names critical extensions is refused`(_ extensions: String) async throws {
        try await RunningServer.with(TestWorkflows.all(), access: Self.jwt()) { (server) async throws in
            let token = Self.token(#"{"role":"run"}"#, header: #"{"alg":"HS256","x":1,"crit":\#(extensions)}"#)
            #expect(try await server.get("/api/workflows", headers: Self.bearer(token)).status == 401)
        }
    }

    @Test func `a key set is used as far as it can be, and no token changes what others are verified by`() async throws
    {
        struct Claims: JWTPayload {
            var role = "read"
            func verify(using algorithm: some JWTAlgorithm) async throws {}
        }
        func urlSafe(_ text: String) -> Value {
            Value(String(text.filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }))
        }
        func entry(_ key: ES256PrivateKey, _ fields: [(String, Value)] = []) throws -> Value {
            let point = try #require(key.publicKey.parameters)
            return Value(
                entries: [
                    ("kty", "EC"), ("crv", "P-256"), ("x", urlSafe(point.x)), ("y", urlSafe(point.y)),
                ] + fields)
        }
        @Sendable func token(_ key: ES256PrivateKey, kid: String? = nil) async throws -> [(String, String)] {
            let keys = JWTKeyCollection()
            await keys.add(ecdsa: key)
            let id = kid.map { JWKIdentifier(string: $0) }
            var header = JWTHeader()
            header.kid = id?.string
            return Self.bearer(try await keys.sign(Claims(), header: header))
        }
        let (first, second, third) = (ES256PrivateKey(), ES256PrivateKey(), ES256PrivateKey())
        let jwt = JWTAccess()
        let set: Value = [
            "keys": Value(array: [
                ["kty": "oct", "k": "c2VjcmV0", "kid": "symmetric"], ["kty": "new", "kid": "of the future"], 7,
                ["kty": "RSA", "kid": "without a modulus"],
                try entry(third, [("use", "enc"), ("kid", "third")]), try entry(first, [("kid", "first")]),
                try entry(second),
            ])
        ]
        try await jwt.replace(jwks: set.json)
        for nothing in ["", "{}", "[]", #"{"keys":[]}"#, #"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#] {
            await #expect(throws: (any Error).self) { try await jwt.replace(jwks: nothing) }
        }
        try await RunningServer.with(TestWorkflows.all(), access: AccessControl(jwt: jwt)) { (server) async throws in
            func status(_ headers: [(String, String)]) async throws -> Int {
                try await server.get("/api/workflows", headers: headers).status
            }
            // A token that claims another algorithm for the key, before any good one.
            let forged = try await token(first, kid: "first")[0].1.dropFirst(7).split(separator: ".")
            let head = Data(#"{"alg":"ES384","typ":"JWT","kid":"first"}"#.utf8).base64EncodedString()
            let other = "\(head.filter { $0 != "=" }).\(forged[1]).\(forged[2])"
            #expect(try await status(Self.bearer(other)) == 401)
            #expect(try await status(token(first, kid: "first")) == 200)
            #expect(try await status(token(first)) == 200)
            #expect(try await status(token(second)) == 200)
            #expect(try await status(token(second, kid: "first")) == 200)
            #expect(try await status(token(first, kid: "second")) == 401)
            #expect(try await status(token(third, kid: "third")) == 401)
        }
    }

    @Test func `a token for some workflows learns nothing of others`() async throws {
        let tokens = TokensInMemory()
        let made = TokenSecret.make(name: "some", role: .admin, workflows: ["greet"], expiresAt: 0, now: 0)
        let all = TokenSecret.make(name: "all", role: .admin, workflows: [], expiresAt: 0, now: 0)
        tokens.state.withLock { tokens in for one in [made, all] { tokens[one.token.id] = one.token } }
        let (some, admin) = (Self.bearer(made.text), Self.bearer(all.text))
        try await RunningServer.with(TestWorkflows.all(), access: AccessControl(tokens: tokens)) {
            (server) async throws in
            func start(_ workflow: String, _ id: String, _ input: Value) async throws {
                let path = "/api/workflows/\(workflow)/runs?"
                _ = try await server.post(
                    String(path.dropLast()), ["inputData": input, "runId": Value(id)], headers: admin)
                _ = try await server.get("/api/runs/\(id)?wait=10s", headers: admin)
            }
            try await start("fail", "secret-1", 1)
            try await start("ask%20me", "secret-2", 1)
            try await start("greet", "mine-1", ["name": "Ada"])
            try await start("ask%20me", "secret-3", 1)
            let figures = try await server.get("/metrics", headers: admin).text
            #expect(figures.contains(#"workflow="fail""#))
            for path in [
                "/metrics", "/openapi.json", "/api/workflows", "/api/agents", "/api/runs", "/api/tasks",
                "/api/tasks?limit=1",
                "/api/schedules", "/api/nodes", "/api/version", "/api/runs?limit=1",
            ] {
                let answer = try await server.get(path, headers: some)
                #expect(answer.status == 200)
                for name in ["fail", "ask me", "ask%20me", "secret-"] {
                    // Of statuses and words of the description `fail` is a part.
                    let text = answer.text.replacing("failed", with: "")
                    #expect(
                        !text.contains(name) || path == "/openapi.json" && name == "fail", "\(path) tells of \(name)")
                }
            }
            let document = try await server.get("/openapi.json", headers: some).json
            #expect(document["paths"]?["/api/workflows/greet/run"] != nil)
            #expect(document["paths"]?["/api/workflows/fail/run"] == nil)
            let counted = try await server.get("/metrics", headers: some).text
            #expect(counted.contains(#"aikit_stored_runs{status="failed"} 0"#))
            #expect(counted.contains(#"aikit_stored_runs{status="success"} 1"#))
            #expect(try await server.get("/api/runs?cursor=secret-1", headers: some).status == 400)
            #expect(try await server.get("/api/tasks?cursor=secret-2", headers: some).status == 400)
            #expect(try await server.get("/api/nodes", headers: some).json["nodes"]?[0]?["runs"] == nil)
            for path in ["", "/events", "/source", "?wait=1s"] {
                #expect(try await server.get("/api/runs/secret-1" + path, headers: some).status == 404)
            }
            let taken = try await server.post(
                "/api/workflows/greet/runs", ["inputData": ["name": "x"], "runId": "secret-1"], headers: some)
            #expect(taken.status == 409)
            #expect(!taken.text.contains("fail'"))
        }
    }

    @Test func `a stream of all runs is of those workflows alone that the token is for`() async throws {
        let tokens = TokensInMemory()
        let made = TokenSecret.make(name: "some", role: .read, workflows: ["greet"], expiresAt: 0, now: 0)
        tokens.state.withLock { $0[made.token.id] = made.token }
        try await RunningServer.with(TestWorkflows.all(), access: AccessControl(tokens: tokens)) {
            (server) async throws in
            let directory = server.directory
            let starting = Task {
                while directory.events.subscriberCount == 0 { try await Task.sleep(for: .milliseconds(5)) }
                _ = try await directory.start(StartRequest(workflow: "fail", input: 1))
                _ = try await directory.start(StartRequest(workflow: "wait", input: 1))
                _ = try await directory.start(StartRequest(workflow: "greet", input: ["name": "Ada"]))
            }
            let frames = try await server.frames("GET", "/api/events", headers: Self.bearer(made.text)) {
                $0.event == "workflow:success"
            }
            try await starting.value
            #expect(frames.allSatisfy { $0.data["workflowId"] == "greet" })
        }
    }
}
