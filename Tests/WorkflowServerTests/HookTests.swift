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
        encoding: String = "hex", algorithm: String = "sha256", secret: String = "HOOK_SECRET",
        more: [(String, Value)] = [], names: Bool = true
    ) throws -> Workflow {
        var handlers = StepHandlers()
        let input = handlers.inline { request, _ in
            request["json"].map { ["n": $0["n"] ?? .null, "agent": request["headers"]?["x-agent"] ?? .null] } ?? .null
        }
        let id = handlers.inline { request, _ in request["json"]?["delivery"] ?? .null }
        let signal = handlers.inline { request, _ in
            let run = request["query"]?["run"] ?? .null
            return [
                "run_id": run.string.flatMap { Int64($0) }.map { Value($0) } ?? (run == "odd" ? true : run),
                "event": "paid", "data": request["json"] ?? .null,
            ]
        }
        let fails = handlers.inline { _, _ in throw StepError(code: "odd", message: "it is odd") }
        func slot(_ number: UInt32) -> Value { ["$function": Value(Int64(number))] }
        let hmac: [(String, Value)] = [
            ("secret", ["$secret": Value(secret)]), ("header", "X-Signature"), ("prefix", "v1="),
            ("encoding", Value(encoding)), ("algorithm", Value(algorithm)),
        ]
        let verify: Value = ["hmac": Value(entries: hmac + more)]
        var push: [(String, Value)] = [
            ("id", "push"), ("path", "shop/push"), ("verify", verify), ("input", slot(input)),
        ]
        if names { push.append(("run_id", slot(id))) }
        let hooks: Value = [
            Value(entries: push), ["id": "open"], ["id": "paid", "signal": slot(signal)],
            ["id": "signed", "verify": verify, "signal": slot(signal)], ["id": "fails", "input": slot(fails)],
        ]
        return try Workflow(
            WorkflowDefinition(id: "shop", hooks: hooks, nodes: [.waitFor("wait", event: "paid")]), handlers: handlers)
    }

    private func sign(_ body: String, _ key: String = Self.secret) -> String {
        "v1="
            + HMAC<SHA256>.authenticationCode(for: Data(body.utf8), using: SymmetricKey(data: Data(key.utf8)))
            .map { String(format: "%02x", $0) }.joined()
    }

    @Test(.timeLimit(.minutes(1)))
    func `a query of very many names is read once`() async throws {
        var handlers = StepHandlers()
        let count = handlers.inline { request, _ in
            ["names": Value(Int64(request["query"]?.count ?? 0)), "last": request["query"]?["0"] ?? .null]
        }
        let flow = try Workflow(
            WorkflowDefinition(
                id: "shop", hooks: [["id": "many", "input": ["$function": Value(Int64(count))]]],
                nodes: [.waitFor("wait", event: "paid")]), handlers: handlers)
        try await RunningServer.with([flow], options: Self.options()) { server in
            let names = (0..<12_000).map { String($0, radix: 36) }.joined(separator: "&")
            let answer = try await server.post("/hooks/many?" + names + "&0=a+b&0=c%20d", [:])
            let run = try #require(answer.json["runId"]?.string)
            let record = try await server.directory.settled(run).record
            #expect(record.result().steps.first?.input == ["names": 12_000, "last": "c d"])
        }
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
            #expect(answer.status == 503)
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
            #expect(try await server.request("POST", "/hooks/paid?run=odd", "{}").status == 422)
            _ = try await server.directory.start(StartRequest(workflow: "shop", input: [:], id: "17"))
            _ = try await server.directory.settled("17")
            #expect(try await server.request("POST", "/hooks/paid?run=17", #"{"sum":3}"#).json["ignored"] != true)
            #expect(try await server.directory.settled("17").record.result().result == ["sum": 3])
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

    // MARK: Copies

    private static let now = Int64(Date().timeIntervalSince1970)

    /// A header as Stripe writes it, over the time and the body.
    private func sign(_ body: String, at time: String, by keys: [String] = [Self.secret]) -> String {
        let codes = keys.map { key in "v1=" + sign("\(time).\(body)", key).dropFirst(3) }
        return (["t=\(time)"] + codes).joined(separator: ",")
    }

    @Test func `a signature over its time fits for a while, and a copy of the request finds the run that is there`()
        async throws
    {
        let flow = try workflow(more: [("timestamp", "t="), ("tolerance", "1m")], names: false)
        try await RunningServer.with([flow], options: Self.options()) { server in
            func send(_ signature: String, _ body: String = Self.body) async throws -> RunningServer.Answer {
                try await server.request("POST", "/hooks/shop/push", body, headers: [("X-Signature", signature)])
            }
            let good = sign(Self.body, at: "\(Self.now)")
            let first = try await send(good)
            #expect(first.status == 202)
            let copy = try await send(good)
            #expect(copy.status == 200)
            #expect(copy.json["runId"] == first.json["runId"])
            // A sender that changes its secret signs with both; the same request by other codes is a copy too.
            let both = sign(Self.body, at: "\(Self.now)", by: ["older", Self.secret])
            #expect(try await send(both).json["runId"] == first.json["runId"])
            #expect(try await send(sign(Self.body, at: "\(Self.now - 1)")).status == 202)
            let bad = [
                sign(Self.body, at: "\(Self.now - 120)"), sign(Self.body, at: "\(Self.now + 120)"),
                good.replacing("t=\(Self.now)", with: "t=\(Self.now + 1)"), sign(Self.body, at: ""),
                sign(Self.body, at: "-1"), sign(Self.body, at: "99999999999999999999"), sign(Self.body, at: "1e9"),
                String(good.drop { $0 != "v" }), sign(Self.body, at: "\(Self.now)", by: ["older"]),
                sign(Self.body, at: "\(Self.now)", by: Array(repeating: "older", count: 20) + [Self.secret]),
                sign(Self.body), good.replacing("v1=", with: "v2="),
            ]
            for signature in bad { #expect(try await send(signature).status == 401, "\(signature)") }
            #expect(try await server.directory.list(RunFilter()).count == 2)
        }
    }

    @Test func `a copy of a request gives no second signal`() async throws {
        let flow = try workflow(
            more: [("timestamp", "X-Time"), ("signed", "v0:{x-time-zone}:{timestamp}:{body}")])
        try await RunningServer.with([flow], options: Self.options()) { server in
            _ = try await server.directory.start(StartRequest(workflow: "shop", input: [:], id: "s-1"))
            _ = try await server.directory.settled("s-1")
            let body = #"{"sum":3}"#
            let signature = sign("v0:UTC:\(Self.now):\(body)")
            let headers = [("X-Signature", signature), ("X-Time", "\(Self.now)"), ("X-Time-Zone", "UTC")]
            for _ in 0..<2 {
                let answer = try await server.request("POST", "/hooks/signed?run=s-1", body, headers: headers)
                #expect(answer.status == 202)
                _ = try await server.directory.settled("s-1")
            }
            let record = try await server.directory.settled("s-1").record
            #expect(record.result().result == ["sum": 3])
            let other = headers.map { $0.0 == "X-Time-Zone" ? ($0.0, "CET") : $0 }
            #expect(try await server.request("POST", "/hooks/signed?run=s-1", body, headers: other).status == 401)
            #expect(
                try await server.request("POST", "/hooks/signed?run=s-1", body, headers: [headers[0], headers[1]])
                    .status
                    == 401)
        }
    }

    // MARK: Bodies

    @Test func `the same text in another encoding is another body`() async throws {
        try await RunningServer.with([workflow()], options: Self.options()) { server in
            let body = #"{"delivery":"d-1","n":"å"}"#
            func code(_ bytes: Data) -> String {
                "v1="
                    + HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: Data(Self.secret.utf8)))
                    .map { String(format: "%02x", $0) }.joined()
            }
            let encodings: [String.Encoding] = [.utf16LittleEndian, .utf16BigEndian, .utf32LittleEndian, .isoLatin1]
            let others =
                try encodings.map { try #require(body.data(using: $0)) } + [
                    Data(body.utf8).dropLast(1), Data(body.utf8) + [0],
                ]
            let marked = Data([0xEF, 0xBB, 0xBF]) + Data(body.utf8)
            for bytes in others + [marked] {
                let forged = try await server.send(
                    "POST", "/hooks/shop/push", bytes, headers: [("X-Signature", sign(body))])
                #expect(forged.status == 401, "\(bytes as NSData)")
            }
            for bytes in others {
                let genuine = try await server.send(
                    "POST", "/hooks/shop/push", bytes,
                    headers: [("X-Signature", code(bytes)), ("Content-Type", "application/json")])
                #expect(genuine.status == 400, "\(bytes as NSData)")
            }
            #expect(try await server.directory.list(RunFilter()).isEmpty)
        }
    }

    @Test func `a signed body may be as large as the limit, and not a byte larger`() async throws {
        var options = Self.options()
        options.bodyLimit = 10 << 20
        try await RunningServer.with([workflow()], options: options) { server in
            let frame = #"{"delivery":"d-1","n":""}"#
            let fill = String(repeating: "x", count: (10 << 20) - frame.utf8.count)
            let body = #"{"delivery":"d-1","n":"\#(fill)"}"#
            #expect(body.utf8.count == 10 << 20)
            let good = try await server.request(
                "POST", "/hooks/shop/push", body, headers: [("X-Signature", sign(body))])
            #expect(good.status == 202)
            let longer = body + " "
            let refused = try await server.request(
                "POST", "/hooks/shop/push", longer, headers: [("X-Signature", sign(longer))])
            #expect(refused.status == 413)
            let forged = try await server.request(
                "POST", "/hooks/shop/push", body, headers: [("X-Signature", sign("x"))])
            #expect(forged.status == 401)
            #expect(try await server.directory.list(RunFilter()).count == 1)
        }
    }
}
