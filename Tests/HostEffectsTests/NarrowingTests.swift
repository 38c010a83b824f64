import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

struct NarrowingTests {
    private func permissions(_ grant: Value) -> Permissions { Permissions(grant: grant) }

    private func narrowed(_ grant: Value, by limit: Value) -> Value { permissions(grant).narrowed(by: limit).grant }

    @Test func `a limit leaves what both allow`() {
        #expect(narrowed(["net": "*"], by: ["net": ["a.org"]]) == ["net": ["a.org"], "open": ["net"]])
        #expect(narrowed(["net": ["a.org", "b.org"]], by: ["net": ["a.org:80", "c.org"]]) == ["net": ["a.org:80"]])
        #expect(narrowed(["net": ["*.a.org:80"]], by: ["net": ["x.a.org", "a.org"]]) == ["net": ["x.a.org:80"]])
        #expect(narrowed(["net": ["x.a.org"]], by: ["net": ["*.a.org:80"]]) == ["net": ["x.a.org:80"]])
        #expect(narrowed(["net": ["a.org:80"]], by: ["net": ["a.org:443"]]) == .emptyObject)
        #expect(narrowed(["net": ["[::1]:80"]], by: ["net": ["::1"]]) == ["net": ["[::1]:80"]])
        #expect(
            narrowed(["env": ["APP_*", "HOME"]], by: ["env": ["APP_KEY", "H*", "PATH"]]) == [
                "env": ["APP_KEY", "HOME"]
            ])
        #expect(
            narrowed(["read": ["/a", "/b/c"]], by: ["read": ["/a/x", "/b", "/d"]]) == ["read": ["/a/x", "/b/c"]])
        #expect(narrowed(["read": ["/a"]], by: ["read": ["/ab", "/a/../b"]]) == .emptyObject)
        #expect(narrowed(["run": "*"], by: ["run": ["sh"]]) == ["run": ["sh"], "open": ["run"]])
        #expect(narrowed(["run": ["sh"]], by: ["run": ["/nowhere/sh", "ls"]]) == .emptyObject)
    }

    @Test func `a limit gives nothing that the run has not`() {
        #expect(narrowed(.emptyObject, by: ["net": ["a.org"], "read": true, "run": ["sh"]]) == .emptyObject)
        #expect(narrowed(["net": ["a.org"], "env": "*"], by: ["net": "b.org"]) == ["env": "*"])
        #expect(narrowed(["net": "*", "env": "*"], by: ["net": false]) == ["env": "*"])
        #expect(narrowed(["net": "*", "env": "*"], by: false) == .emptyObject)
        #expect(narrowed(["net": ["a.org"]], by: ["net": true]) == ["net": ["a.org"]])
    }

    @Test func `a list of the script names nothing in the operator's stead`() {
        let limited = permissions(["net": "*", "run": "*"]).narrowed(by: ["net": ["a.org"], "run": ["sh"]])
        #expect(!limited.namesHosts)
        #expect(!limited.namesPrograms)
        // Nor does it where it was recorded, as what another run may do.
        let recorded = permissions(limited.grant)
        #expect(!recorded.namesHosts && !recorded.namesPrograms)
        #expect(recorded == limited)
        #expect(permissions(["net": ["a.org"]]).narrowed(by: ["net": ["a.org"]]).namesHosts)
    }

    @Test func `paths of programs are kept from the root, and names as they are`() {
        let tool = FilePath.absolute("tools/run.sh")
        let kept = Permissions(run: .only(["tools/run.sh", "git"]))
        #expect(kept.grant == ["run": [Value(tool), "git"]])
        // An older version kept them as they were given.
        #expect(permissions(["run": ["tools/run.sh"]]).run == .only([tool]))
        #expect(kept.covers(permissions(["run": ["./tools/run.sh"]])))
        #expect(kept.narrowed(by: ["run": ["./tools/run.sh"]]).run == .only([tool]))
        // What a script declares is told in its own words.
        let declared = Permissions(declared: ["run": ["tools/run.sh", "other/x"]])
        #expect(kept.missing(of: declared).run == .only(["other/x"]))
    }

    @Test func `what is missing of what a script needs is told`() {
        let granted = permissions(["net": ["*.a.org"], "env": "*", "read": ["/data"]])
        let required: Value = [
            "net": ["x.a.org", "b.org"], "env": ["HOME"], "read": ["/data/in", "/etc"], "run": "*",
        ]
        #expect(granted.missing(of: permissions(required)).grant == ["net": ["b.org"], "read": ["/etc"], "run": "*"])
        #expect(granted.missing(of: Permissions()) == Permissions())
    }

    @Test func `the limits of a step hold for its calls, and the error says so`() async {
        let server = LoopbackServer { _ in .text("ok") }
        var permissions = Permissions()
        permissions.net = .everything
        let service = HostEffectsService(permissions: permissions, secrets: Secrets(), settings: HTTPSettings())
        func ask(_ limits: [Value]) async -> HostAnswer {
            var request = HostCall("http", payload: ["url": Value(server.base + "/")])
            request.limits = limits
            return await withCheckedContinuation { continuation in
                _ = service.begin(request) { continuation.resume(returning: $0) }
            }
        }
        #expect(await ask([]).ok)
        #expect(await ask([["net": ["127.0.0.1"]]]).ok)
        let denied = await ask([["net": true], ["net": ["example.com"]]])
        #expect(denied.value["code"] == "permission_denied")
        let text = denied.value["message"]?.string ?? ""
        #expect(
            text.contains("is not allowed: the `permissions` of the step or its workflow allow less than the run has"))
        #expect(!text.contains("--allow-net") && denied.value["details"] == nil)
    }
}

struct SpecialAddressTests {
    @Test(
        arguments: [
            "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
            "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
            "fd12::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
            "ff02::1",
            "198.18.0.1",
        ])
    func `addresses that are not of the public network are known`(address: String) {
        #expect(SpecialAddress.isSpecial(address))
    }

    @Test(
        arguments: [
            "1.1.1.1", "93.184.216.34", "172.15.0.1", "172.32.0.1", "192.167.1.1", "100.128.0.1", "2606:4700::1111",
            "::ffff:8.8.8.8", "64:ff9b::808:808", "example.com", "",
        ])
    func `public addresses, and what is none, are let through`(address: String) {
        #expect(!SpecialAddress.isSpecial(address))
    }

    @Test func `a name leads to such an address only where that was allowed`() {
        func allows(_ net: Permissions.Scope, _ address: String, _ host: String) -> Bool {
            var permissions = Permissions()
            permissions.net = net
            return permissions.allowsAddress(address, host: host, port: 80)
        }
        #expect(!allows(.only(["evil.org"]), "127.0.0.1", "evil.org"))
        #expect(!allows(.only(["*.org"]), "169.254.169.254", "evil.org"))
        #expect(!allows(.only(["*.localhost"]), "10.0.0.1", "a.localhost"))
        #expect(allows(.only(["evil.org", "127.0.0.1"]), "127.0.0.1", "evil.org"))
        #expect(!allows(.only(["evil.org", "127.0.0.1:81"]), "127.0.0.1", "evil.org"))
        #expect(allows(.only(["localhost"]), "127.0.0.1", "localhost"))
        #expect(allows(.only(["localhost:80"]), "::1", "localhost"))
        #expect(allows(.only(["evil.org"]), "1.1.1.1", "evil.org"))
        #expect(allows(.everything, "10.0.0.1", "intranet"))
    }

    @Test(arguments: ["127.1", "0x7f000001", "2130706433"])
    func `a name that resolves to this machine is refused before anything is sent`(name: String) async {
        let server = LoopbackServer { _ in .text("secret") }
        var permissions = Permissions()
        permissions.net = .only([name])
        let url: Value = ["url": Value("http://\(name):\(server.port)/")]
        let answer = await ask(url, HostEffectsService(permissions: permissions, settings: HTTPSettings()))
        #expect(answer.value["code"] == "permission_denied")
        #expect(answer.value["details"] == ["flag": Value("--allow-net=127.0.0.1:\(server.port)")])
        #expect(server.requests.isEmpty)
        permissions.net = .only([name, "127.0.0.1"])
        #expect(await ask(url, HostEffectsService(permissions: permissions, settings: HTTPSettings())).ok)
    }

    @Test func `localhost stands for this machine where it was named`() async {
        let server = LoopbackServer { _ in .text("ok") }
        var permissions = Permissions()
        permissions.net = .only(["localhost"])
        let url: Value = ["url": Value("http://localhost:\(server.port)/")]
        #expect(await ask(url, HostEffectsService(permissions: permissions, settings: HTTPSettings())).ok)
    }
}
