import FlatValue
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
            // The client would unpack the body that such an answer has not.
            let head = try await server.request("HEAD", "/", headers: [("Accept-Encoding", "identity")])
            #expect(head.status == 200)
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

    @Test func `files go out as gzip to those who take it, with a tag of their own`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            // Without the header the client of the tests asks for gzip by itself.
            let plain = try await server.get("/assets/app.css", headers: [("Accept-Encoding", "identity")])
            #expect(plain.header("content-encoding") == nil)
            #expect(plain.header("vary") == "Accept-Encoding")
            let packed = try await server.get("/assets/app.css", headers: [("Accept-Encoding", "br, gzip;q=0.5")])
            #expect(packed.header("content-encoding") == "gzip")
            #expect(packed.header("content-type") == "text/css; charset=utf-8")
            let length = try #require(packed.header("content-length").flatMap { Int($0) })
            #expect(length * 3 < plain.text.utf8.count)
            let tag = try #require(packed.header("etag"))
            #expect(tag != plain.header("etag"))
            let again = try await server.get(
                "/assets/app.css", headers: [("Accept-Encoding", "gzip"), ("If-None-Match", tag)])
            #expect(again.status == 304)
            for refusal in ["gzip;q=0", "br", "gzip; q=0.0, *", "identity"] {
                let answer = try await server.get("/assets/app.css", headers: [("Accept-Encoding", refusal)])
                #expect(answer.header("content-encoding") == nil, "\(refusal)")
                #expect(answer.text == plain.text)
            }
        }
    }

    @Test func `figures and the description go out as gzip to those who take it`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            // What has no requests yet is too short.
            _ = try await server.get("/api/workflows")
            for (path, type) in [
                ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
                ("/openapi.json", "application/json; charset=utf-8"),
            ] {
                let plain = try await server.get(path, headers: [("Accept-Encoding", "identity")])
                #expect(plain.header("content-encoding") == nil)
                let packed = try await server.get(path, headers: [("Accept-Encoding", "gzip")])
                #expect(packed.header("content-encoding") == "gzip")
                #expect(packed.header("vary") == "Accept-Encoding")
                for answer in [plain, packed] { #expect(answer.header("content-type") == type) }
                let length = try #require(packed.header("content-length").flatMap { Int($0) })
                #expect(length * 2 < plain.text.utf8.count)
            }
        }
    }

    @Test func `workflows are listed with the numbers of their runs, and runs are counted without being listed`()
        async throws
    {
        try await RunningServer.with(TestWorkflows.all()) { server in
            for number in 0..<3 {
                _ = try await server.post("/api/workflows/greet/run", ["inputData": ["name": Value("\(number)")]])
            }
            _ = try await server.post("/api/workflows/fail/run", ["inputData": 1])
            let plain = try await server.get("/api/workflows").json["workflows"]?.array ?? []
            #expect(plain.allSatisfy { $0["runs"] == nil })
            let listed = try await server.get("/api/workflows?counts=true").json["workflows"]?.array ?? []
            let greet = try #require(listed.first { $0["id"] == "greet" })
            #expect(greet["runs"]?["success"] == 3)
            #expect(greet["runs"]?["failed"] == 0)
            #expect(listed.first { $0["id"] == "fail" }?["runs"]?["failed"] == 1)
            let all = try await server.get("/api/runs?limit=0").json
            #expect(all["total"] == 4 && all["runs"]?.count == 0 && all["isWhole"] == true)
            #expect(all["counts"]?["success"] == 3)
            #expect(try await server.get("/api/runs?limit=0&workflow=fail").json["total"] == 1)
            #expect(try await server.get("/api/runs?limit=0&status=failed").json["total"] == 1)
            #expect(try await server.get("/api/runs?limit=0&from=2000-01-01T00:00:00Z").json["total"] == 4)
            #expect(try await server.get("/api/runs?limit=0&q=none").json["total"] == 0)
        }
    }

    @Test func `events come in pages, of one step, and without the values of steps`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            _ = try await server.post(
                "/api/workflows/greet/run", ["inputData": ["name": "Ada"], "runId": "r"])
            let path = "/api/runs/r/events"
            let all = try await server.get(path).json["events"]?.array ?? []
            #expect(all.count > 2)
            var (paged, after) = ([Value](), 0)
            for _ in 0..<20 {
                let page = try await server.get("\(path)?limit=1&after=\(after)").json
                paged += page["events"]?.array ?? []
                guard let next = page["next"]?.int else { break }
                after = Int(next)
            }
            #expect(paged == all)
            let start = try #require(all.first { $0["type"] == "step:start" })
            let step = try #require(start["path"]?.string)
            let own = try await server.get("\(path)?path=\(step)").json["events"]?.array ?? []
            #expect(!own.isEmpty && own == all.filter { $0["path"]?.string == step })
            let brief = try await server.get("\(path)?brief=true").json["events"]?.array ?? []
            #expect(brief.map { $0["sequence"] } == all.map { $0["sequence"] })
            #expect(brief.first { $0["type"] == "step:start" }?["data"] == nil)
            #expect(brief.first { $0["type"] == "workflow:start" }?["data"] == ["name": "Ada"])
            let frames = try await server.frames("GET", "\(path)?brief=true", nil)
            #expect(frames.contains { $0.event == "step:start" && $0.data["data"] == nil })
        }
    }

    @Test func `it is told what whoever asks may do`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let version = try await server.get("/api/version").json
            #expect(version["principal"] == ["role": "admin"])
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
