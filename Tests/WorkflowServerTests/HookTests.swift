internal import Crypto
internal import FlatValue
internal import Foundation
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Webhooks")
struct HookTests {
    private static let secret = "it-is-a-secret"
    private static let body = #"{"delivery":"d-1","n":7}"#

    private static func options() -> ServerOptions {
        var options = ServerOptions()
        options.secret = { $0 == "HOOK_SECRET" ? secret : nil }
        options.bodyLimit = 4096
        return options
    }

    /// A workflow with hooks, whose runs wait for the event `paid`.
    private func workflow(
        encoding: String = "hex", algorithm: String = "sha256", secret: String = "HOOK_SECRET"
    ) throws -> Workflow {
        var handlers = StepHandlers()
        let input = handlers.inline { request, _ in
            request["json"].map { ["n": $0["n"] ?? .null, "agent": request["headers"]?["x-agent"] ?? .null] } ?? .null
        }
        let id = handlers.inline { request, _ in request["json"]?["delivery"] ?? .null }
        let signal = handlers.inline { request, _ in
            ["run_id": request["query"]?["run"] ?? .null, "event": "paid", "data": request["json"] ?? .null]
        }
        let fails = handlers.inline { _, _ in throw StepError(code: "odd", message: "it is odd") }
        func slot(_ number: UInt32) -> Value { ["$function": Value(Int64(number))] }
        let verify: Value = [
            "hmac": [
                "secret": ["$secret": Value(secret)], "header": "X-Signature", "prefix": "v1=",
                "encoding": Value(encoding), "algorithm": Value(algorithm),
            ]
        ]
        let hooks: Value = [
            ["id": "push", "path": "shop/push", "verify": verify, "input": slot(input), "run_id": slot(id)],
            ["id": "open"], ["id": "paid", "signal": slot(signal)], ["id": "fails", "input": slot(fails)],
        ]
        return try Workflow(
            WorkflowDefinition(id: "shop", hooks: hooks, nodes: [.waitFor("wait", event: "paid")]), handlers: handlers)
    }

    private func sign(_ body: String, _ key: String = Self.secret) -> String {
        "v1="
            + HMAC<SHA256>.authenticationCode(for: Data(body.utf8), using: SymmetricKey(data: Data(key.utf8)))
            .map { String(format: "%02x", $0) }.joined()
    }

    @Test func `a signed request starts a run once, and is answered when that is recorded`() async throws {
        try await RunningServer.with([workflow()], options: Self.options()) { server in
            let headers = [("X-Signature", sign(Self.body)), ("X-Agent", "shop")]
            let first = try await server.request("POST", "/hooks/shop/push", Self.body, headers: headers)
            #expect(first.status == 202)
            #expect(first.json["runId"] == "d-1")
            #expect(try await server.directory.store.header(of: "d-1") != nil)
            let record = try await server.directory.settled("d-1").record
            #expect(record.result().steps.first?.input == ["n": 7, "agent": "shop"])
            let again = try await server.request("POST", "/hooks/shop/push", Self.body, headers: headers)
            #expect(again.status == 200)
            #expect(again.json["isNew"] == false)
            let other = [("X-Signature", sign(Self.body)), ("X-Agent", "other")]
            let differs = try await server.request("POST", "/hooks/shop/push", Self.body, headers: other)
            #expect(differs.status == 200)
            #expect(try await server.directory.list(RunFilter()).count == 1)
        }
    }

    @Test func `what the holder of the secret has not signed is refused`() async throws {
        try await RunningServer.with([workflow()], options: Self.options()) { server in
            let good = sign(Self.body)
            let bad: [String?] = [
                nil, "", "v1=", String(good.dropFirst(3)), String(good.dropLast(2)), String(good.dropLast(1)),
                good + "00",
                "v2=" + good.dropFirst(3), sign(Self.body, "another"), sign(Self.body + " "),
                "v1=" + String(repeating: "zz", count: 32),
            ]
            for signature in bad {
                let headers = signature.map { [("X-Signature", $0)] } ?? []
                let answer = try await server.request("POST", "/hooks/shop/push", Self.body, headers: headers)
                #expect(answer.status == 401, "\(signature ?? "none")")
                #expect(answer.json["code"] == "invalid_signature")
            }
            let upper = "v1=" + good.dropFirst(3).uppercased()
            #expect(
                try await server.request("POST", "/hooks/shop/push", Self.body, headers: [("X-Signature", upper)])
                    .status
                    == 202)
            #expect(try await server.directory.list(RunFilter()).count == 1)
        }
    }

    @Test func `a signature may be written in base64, by another algorithm`() async throws {
        let flow = try workflow(encoding: "base64", algorithm: "sha512")
        let key = SymmetricKey(data: Data(Self.secret.utf8))
        let code = Data(HMAC<SHA512>.authenticationCode(for: Data(Self.body.utf8), using: key))
        let texts = ["v1=" + code.base64EncodedString(), "v1=" + code.map { String(format: "%02x", $0) }.joined()]
        let statuses = try await RunningServer.with([flow], options: Self.options()) { server in
            var statuses: [Int] = []
            for text in texts {
                let headers = [("X-Signature", text)]
                let answer = try await server.request("POST", "/hooks/shop/push", Self.body, headers: headers)
                statuses.append(answer.status)
            }
            return statuses
        }
        #expect(statuses == [202, 401])
    }

    @Test func `a hook whose secret the server does not know admits nobody`() async throws {
        let flow = try workflow(secret: "UNKNOWN")
        try await RunningServer.with([flow], options: Self.options()) { server in
            let headers = [("X-Signature", sign(Self.body))]
            let answer = try await server.request("POST", "/hooks/shop/push", Self.body, headers: headers)
            #expect(answer.status == 500)
            #expect(answer.json["code"] == "missing_secret")
        }
    }

    @Test func `bodies that are too large, not text or packed are refused`() async throws {
        try await RunningServer.with([workflow()], options: Self.options()) { server in
            let large = String(repeating: "x", count: 5000)
            #expect(try await server.request("POST", "/hooks/open", large).status == 413)
            let packed = [("Content-Encoding", "gzip")]
            #expect(try await server.request("POST", "/hooks/open", "{}", headers: packed).status == 415)
            #expect(try await server.request("POST", "/hooks/open", "{").json["code"] == "invalid_json")
            let text = [("Content-Type", "text/plain")]
            let plain = try await server.request("POST", "/hooks/open", "hello", headers: text)
            #expect(plain.status == 202)
            let id = try #require(plain.json["runId"]?.string)
            #expect(try await server.directory.settled(id).record.result().steps.first?.input == "hello")
            #expect(try await server.request("GET", "/hooks/open").status == 405)
            #expect(try await server.request("POST", "/hooks/nothing", "{}").status == 404)
        }
    }

    @Test func `a hook may give a run a signal, and only a run of its workflow`() async throws {
        try await RunningServer.with([workflow()], options: Self.options()) { server in
            _ = try await server.directory.start(StartRequest(workflow: "shop", input: [:], id: "s-1"))
            _ = try await server.directory.settled("s-1")
            let answer = try await server.request("POST", "/hooks/paid?run=s-1", #"{"sum":3}"#)
            #expect(answer.status == 202)
            #expect(try await server.directory.settled("s-1").record.result().result == ["sum": 3])
            #expect(try await server.request("POST", "/hooks/paid?run=s-1", "{}").status == 409)
            #expect(try await server.request("POST", "/hooks/paid?run=none", "{}").status == 404)
            #expect(try await server.request("POST", "/hooks/paid", "{}").json["ignored"] == true)
        }
    }

    @Test func `a function that fails, or wants nothing, starts no run`() async throws {
        try await RunningServer.with([workflow()], options: Self.options()) { server in
            let failed = try await server.request("POST", "/hooks/fails", "{}")
            #expect(failed.status == 422)
            #expect(failed.error == "`input`: it is odd")
            let headers = [("X-Signature", sign("ping")), ("Content-Type", "text/plain")]
            let ignored = try await server.request("POST", "/hooks/shop/push", "ping", headers: headers)
            #expect(ignored.status == 202 && ignored.json["ignored"] == true)
            #expect(try await server.directory.list(RunFilter()).isEmpty)
        }
    }
}
