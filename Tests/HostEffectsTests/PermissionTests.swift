import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

struct PermissionTests {
    private func net(_ values: String...) -> Permissions {
        var permissions = Permissions()
        permissions.net = Permissions.Scope(values)
        return permissions
    }

    @Test func `nothing is allowed unless it is given`() {
        #expect(!Permissions().allowsNet(host: "example.com", port: 443))
        #expect(!Permissions().allowsEnv("HOME"))
    }

    @Test func `the option without a value allows every host`() {
        #expect(net(Permissions.everything).allowsNet(host: "example.com", port: 1))
    }

    @Test(arguments: [
        ("https://example.com", "example.com", 443, 80), ("http://example.com/a/b?c=d", "example.com", 80, 443),
        ("HTTPS://me:word@example.com:8443/a", "example.com", 8443, 443), ("http://[::1]:8080/", "::1", 8080, 80),
        ("http://[::1]", "::1", 80, 8080), ("example.com:81/a", "example.com", 81, 80),
    ])
    func `of a URL the host counts, with its port`(url: String, host: String, port: Int, other: Int) {
        var permissions = Permissions()
        permissions.net = Permissions.Scope(hosts: [url])
        #expect(permissions.allowsNet(host: host, port: port))
        #expect(!permissions.allowsNet(host: host, port: other))
        #expect(!permissions.allowsNet(host: "example.org", port: port))
    }

    @Test func `a host is allowed at every port, or at the one that is given`() {
        #expect(net("example.com,other.org").allowsNet(host: "other.org", port: 8080))
        #expect(net("example.com:8080").allowsNet(host: "example.com", port: 8080))
        #expect(!net("example.com:8080").allowsNet(host: "example.com", port: 443))
        #expect(net("[::1]:80").allowsNet(host: "::1", port: 80))
        #expect(net("::1").allowsNet(host: "::1", port: 80))
    }

    @Test func `a name is that name only, and a wildcard is what lies below it`() {
        #expect(!net("example.com").allowsNet(host: "api.example.com", port: 443))
        #expect(!net("example.com").allowsNet(host: "example.com.evil.org", port: 443))
        #expect(net("*.example.com").allowsNet(host: "api.example.com", port: 443))
        #expect(!net("*.example.com").allowsNet(host: "example.com", port: 443))
        #expect(!net("*.example.com").allowsNet(host: "badexample.com", port: 443))
    }

    @Test func `environment variables go by name or by prefix`() {
        var permissions = Permissions()
        permissions.env = .only(["HOME", "APP_*"])
        #expect(permissions.allowsEnv("HOME"))
        #expect(permissions.allowsEnv("APP_KEY"))
        #expect(!permissions.allowsEnv("PATH"))
    }

    @Test func `a denied call names the flag that would allow it`() throws {
        let service = HostEffectsService(permissions: Permissions())
        let request = HostCall("http", payload: ["url": "https://api.example.com/v1"])
        nonisolated(unsafe) var answer: HostAnswer?
        let operation = service.begin(request) { answer = $0 }
        #expect(operation == nil)
        let error = try #require(answer)
        #expect(!error.ok)
        #expect(error.value["code"] == "permission_denied")
        let message: Value =
            "calling api.example.com is not allowed; run with --allow-net=api.example.com to allow it"
        #expect(error.value["message"] == message)
        #expect(error.value["retryable"] == false)
        #expect(error.value["details"] == ["flag": "--allow-net=api.example.com"])
    }
}
