internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Dashboard")
struct DashboardTests {
    @Test func `the page and its parts are served with their types and a policy without inline code`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let page = try await server.get("/")
            #expect(page.status == 200)
            #expect(page.header("content-type") == "text/html; charset=utf-8")
            let policy = page.header("content-security-policy") ?? ""
            #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"))
            #expect(!policy.contains("unsafe"))
            #expect(page.header("x-content-type-options") == "nosniff")
            #expect(!page.text.contains("<style") && !page.text.contains(" style=") && !page.text.contains(" onclick"))
            // Every part that the page names is there.
            let names = page.text.split(separator: "\"").filter { $0.hasPrefix("assets/") }
            #expect(names.count > 5)
            for name in names { #expect(try await server.get("/\(name)").status == 200, "\(name)") }
            #expect(try await server.get("/assets/app.css").header("content-type") == "text/css; charset=utf-8")
            #expect(try await server.get("/assets/main.js").header("content-type") == "text/javascript; charset=utf-8")
            #expect(try await server.get("/assets/nothing.js").status == 404)
            #expect(try await server.request("HEAD", "/").status == 200)
        }
    }

    @Test func `what a browser has is not sent again`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let tag = try #require(try await server.get("/assets/main.js").header("etag"))
            let again = try await server.get(
                "/assets/main.js", headers: [("If-None-Match", "\"old\", W/\(tag), \(tag)")])
            #expect(again.status == 304)
            #expect(again.text.isEmpty)
            #expect(again.header("etag") == tag)
            let other = try await server.get("/assets/main.js", headers: [("If-None-Match", "\"old\"")])
            #expect(other.status == 200)
        }
    }

    @Test func `it lies at the base path, and nowhere where it is not wanted`() async throws {
        func statuses(_ options: ServerOptions, _ paths: [String]) async throws -> [Int] {
            try await RunningServer.with(TestWorkflows.all(), options: options) { server in
                var statuses: [Int] = []
                for path in paths { statuses.append(try await server.get(path).status) }
                return statuses
            }
        }
        var options = ServerOptions()
        options.basePath = "/flows"
        #expect(try await statuses(options, ["/flows/", "/flows/assets/main.js", "/"]) == [200, 200, 404])
        options.basePath = ""
        options.hasDashboard = false
        #expect(try await statuses(options, ["/", "/assets/main.js"]) == [404, 404])
    }

    @Test func `a run tells in short what a list says of it`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            _ = try await server.post("/api/workflows/greet/runs", ["inputData": ["name": "Ada"], "runId": "r"])
            let short = try await server.get("/api/runs/r?summary=true").json
            #expect(short["workflowId"] == "greet")
            #expect(short["createdAt"]?.string != nil)
            #expect(short["steps"] == nil)
            #expect(try await server.get("/api/runs/none?summary=true").status == 404)
            // A workflow that a program wrote has no code to show.
            #expect(try await server.get("/api/runs/r/source").json["code"] == "no_source")
            #expect(try await server.get("/api/workflows/greet/source").status == 404)
        }
    }
}
