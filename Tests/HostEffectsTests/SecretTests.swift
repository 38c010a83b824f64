import FlatValue
import Platform
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

private let token = "t0ken/with+chars=="

struct SecretTests {
    private func service(
        net: Permissions.Scope = .everything, given: [String: String] = ["TOKEN": token],
        environment: [String: String] = [:], granting change: (inout Permissions) -> Void = { _ in }
    ) -> HostEffectsService {
        var permissions = Permissions()
        permissions.net = net
        change(&permissions)
        return HostEffectsService(
            permissions: permissions, secrets: Secrets(given: given, environment: { environment[$0] }),
            settings: HTTPSettings())
    }

    // MARK: Requests

    @Test func `a secret is filled into the header that has its mark`() async {
        let server = LoopbackServer { _ in .text("ok") }
        _ = await ask(
            [
                "url": Value(server.base + "/"),
                "headers": [
                    "x-key": ["$secret": "TOKEN"], "authorization": ["$secret": "TOKEN", "as": "bearer"],
                    "x-old": ["$secret": "TOKEN", "as": "prefixed", "text": "Key "],
                    "x-basic": ["$secret": "TOKEN", "as": "basic", "text": "ada"],
                ],
            ], service())
        let headers = server.requests.first?.headers
        #expect(headers?["x-key"] == token)
        #expect(headers?["authorization"] == "Bearer " + token)
        #expect(headers?["x-old"] == "Key " + token)
        #expect(headers?["x-basic"] == "Basic " + BytesText.base64(Array("ada:\(token)".utf8)))
    }

    @Test func `an answer that repeats a secret is redacted in whatever form it repeats it`() async {
        let server = LoopbackServer { request in
            let sent = request.headers["authorization"] ?? ""
            let forms = [
                sent, Value(sent).json, BytesText.percentEncoded(Array(token.utf8)),
                BytesText.base64(Array(token.utf8)),
            ]
            return .full(200, ["X-Echo": sent], Array(forms.joined(separator: " ").utf8))
        }
        let answer = await ask(
            [
                "url": Value(server.base + "/"), "headers": ["authorization": ["$secret": "TOKEN", "as": "bearer"]],
            ], service())
        #expect(answer.value["headers"]?["x-echo"] == "Bearer [secret TOKEN]")
        let body = answer.value["body"]?.string ?? ""
        #expect(body.split(separator: " ").count(where: { $0.contains("[secret") }) == 4)
        #expect(!answer.value.json.contains("t0ken"))
        #expect(!answer.value.json.contains(BytesText.base64(Array(token.utf8)).prefix(16)))
    }

    @Test func `a redirect to another origin takes no secret along`() async {
        let other = LoopbackServer { _ in .text("there") }
        let first = LoopbackServer { _ in .full(302, ["Location": other.base + "/"], []) }
        let answer = await ask(
            ["url": Value(first.base + "/"), "headers": ["x-key": ["$secret": "TOKEN"], "x-plain": "p"]], service())
        #expect(answer.value["body"] == "there")
        #expect(first.requests.first?.headers["x-key"] == token)
        #expect(other.requests.first?.headers["x-plain"] == "p")
        #expect(other.requests.first?.headers["x-key"] == nil)
    }

    @Test func `a host that is not allowed gets no secret, and the refusal comes first`() async {
        let answer = await ask(
            ["url": "http://127.0.0.1:9/", "headers": ["x-key": ["$secret": "NONE"]]], service(net: .nothing))
        #expect(answer.value["code"] == "permission_denied")
    }

    @Test func `a secret that is not there, or is no header, is an error without its value`() async {
        let missing = await ask(
            ["url": "http://127.0.0.1:9/", "headers": ["x": ["$secret": "NONE"]]], service(net: .only(["127.0.0.1"])))
        #expect(missing.value["code"] == "secret_missing")
        let broken = await ask(
            ["url": "http://127.0.0.1:9/", "headers": ["x": ["$secret": "LINES"]]],
            service(given: ["LINES": "one\r\nX-Evil: 1"]))
        #expect(broken.value["code"] == "invalid_request")
        #expect(broken.value["message"] == "the secret 'LINES' has a line break, so it cannot be a header")
    }

    @Test func `a variable goes to a host that was named, or to any when it was named itself`() async {
        let server = LoopbackServer { _ in .text("ok") }
        let request: Value = ["url": Value(server.base + "/"), "headers": ["x": ["$secret": "KEY"]]]
        let environment = ["KEY": "from-env"]
        let anywhere = await ask(request, service(environment: environment))
        #expect(anywhere.value["code"] == "permission_denied")
        #expect(anywhere.value["details"] == ["flag": "--allow-secret=KEY"])
        #expect(await ask(request, service(net: .only(["127.0.0.1"]), environment: environment)).ok)
        #expect(await ask(request, service(environment: environment) { $0.secret = .only(["K*"]) }).ok)
        #expect(await ask(request, service(environment: environment) { $0.env = .only(["KEY"]) }).ok)
        #expect(server.requests.allSatisfy { $0.headers["x"] == "from-env" })
    }

    // MARK: Redaction

    @Test func `an error whose text was cut within a secret has nothing of it`() {
        let redactor = Redactor()
        redactor.add("plain-sekret-value", name: "KEY")
        let error: Value = [
            "code": "model_http", "message": "HTTP 401: bad key plain-sekret-va", "details": ["body": "plain"],
        ]
        #expect(
            redactor.redact(error: error) == [
                "code": "model_http", "message": "HTTP 401: bad key [secret KEY]", "details": ["body": "[secret KEY]"],
            ])
        // What a program answers is whole, and stays what it is.
        #expect(redactor.redact(["text": "so plain"]) == ["text": "so plain"])
    }

    @Test func `values are redacted at any depth, also in keys`() {
        let redactor = Redactor()
        redactor.add("hunter2", name: "A")
        redactor.add("hunter2-longer", name: "B")
        let value: Value = ["hunter2": [1, "x hunter2-longer y", ["k": "hunter2hunter2"]], "n": 1.5]
        #expect(
            redactor.redact(value)
                == ["[secret A]": [1, "x [secret B] y", ["k": "[secret A][secret A]"]], "n": 1.5])
        #expect(redactor.redact("hunter") == "hunter")
        #expect(redactor.openEnd(of: Array("say hunt".utf8)) == 4)
        #expect(redactor.openEnd(of: Array("say".utf8)) == 0)
    }

    @Test func `a secret is found in the name of a host, and however JSON escapes it`() {
        let redactor = Redactor()
        redactor.add("Acme-4711", name: "TENANT")
        redactor.add("Grün/wald", name: "B")
        #expect(redactor.redact("no route to acme-4711.example") == "no route to [secret TENANT].example")
        #expect(redactor.redact(#"{"a":"Gr\u00fcn\/wald"}"#) == #"{"a":"[secret B]"}"#)
        #expect(redactor.redact(["a": #"{"a":"Gr\u00fcn\/wald"}"#]) == ["a": #"{"a":"[secret B]"}"#])
    }

    @Test func `there may be very many secrets`() {
        let redactor = Redactor()
        for number in 0..<3000 { redactor.add("secret-\(number)-of-many", name: "N\(number)") }
        #expect(redactor.redact("a secret-2999-of-many, secret-7-of-many") == "a [secret N2999], [secret N7]")
        #expect(redactor.openEnd(of: Array("a secret-2999-of".utf8)) == 14)
        #expect(redactor.openEnd(of: Array("no secre".utf8)) == 5)
        #expect(redactor.openEnd(of: Array("no s".utf8)) == 1)
    }

    // MARK: Sources

    @Test func `lines and JSON are read`() throws {
        let text = "# keys\n\nA=first\nexport B = \"se=cond\"\nC='third'\r\n"
        #expect(try SecretsReader.parse(Array(text.utf8), source: "f") == ["A": "first", "B": "se=cond", "C": "third"])
        #expect(try SecretsReader.parse(Array(#" {"A":"text"}"#.utf8), source: "f") == ["A": "text"])
        for wrong in ["A", "A=abc", "a b=text", #"{"A":12345}"#, "{"] {
            #expect(throws: SecretFailure.self) { try SecretsReader.parse(Array(wrong.utf8), source: "f") }
        }
    }

    @Test func `a file is read that nobody else can read, and no other`() throws {
        let folder = try TemporaryFolder()
        let path = folder.write("A=value\n", to: "keys.env", mode: 0o600)
        #expect(try Secrets(SecretSettings(file: path)).value(of: "A") == "value")
        for mode: mode_t in [0o640, 0o604, 0o660, 0o644] {
            chmod(path, mode)
            #expect(throws: SecretFailure.self, "\(mode)") { try Secrets(SecretSettings(file: path)) }
        }
        mkfifo(folder.path + "/pipe", 0o600)
        for other in ["/pipe", "/none", ""] {
            #expect(throws: SecretFailure.self) { try Secrets(SecretSettings(file: folder.path + other)) }
        }
    }

    @Test func `a command's output is read, and its failure told`() throws {
        let secrets = try Secrets(SecretSettings(command: "echo A=printed"))
        #expect(try secrets.value(of: "A") == "printed")
        let failure = #expect(throws: SecretFailure.self) { try Secrets(SecretSettings(command: "exit 3")) }
        #expect(failure?.message == "--secrets-command ended with status 3")
    }
}
