import FlatValue
import Foundation
import Synchronization
import Testing
import WorkflowCore

/// The spans of a run as `runs trace --json` has them.
private struct Trace {
    let spans: [Value]

    init(_ program: Program, _ run: String) throws {
        let text = try program.run("runs", "trace", run, "--json").output
        spans = try Value(json: text)["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? []
    }

    func all(_ name: String) -> [Value] { spans.filter { $0["name"]?.string == name } }

    static func attribute(_ name: String, of span: Value?) -> Value? {
        let item = span?["attributes"]?.array?.first { $0["key"]?.string == name }?["value"]
        return item?["stringValue"] ?? item?["intValue"] ?? item?["boolValue"] ?? item?["doubleValue"]
    }
}

extension CommandLine {
    struct AgentTraceTests {
        private static func agent(_ provider: FakeProvider, telemetry: String, own: String = "nil") -> String {
            """
            local aikit = require "aikit"
            local s = aikit.schema
            local model = aikit.model { provider = "openai", name = "tiny", base_url = "\(provider.base)/v1" }
            local search = aikit.tool {
              id = "search", description = "Looks", input_schema = s.object { query = s.string() },
              handler = function(input) return "25 days for " .. input.query end,
            }
            return aikit.workflow { id = "w", telemetry = \(telemetry) }:step(aikit.agent {
              id = "help", model = model, tools = { search }, prompt = "How much leave?", instructions = "Be brief.",
              telemetry = \(own),
            }):commit()
            """
        }

        private static let turns = """
            { "turns": [{ "tool_calls": [{ "name": "search", "arguments": { "query": "leave" } }], "usage": [12, 5, 2] },
              { "text": "25 days." }] }
            """

        @Test func `the spans of an agent have its conversation, its usage and the calls of its tools`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(Self.turns, in: program)
            try program.write(Self.agent(provider, telemetry: "true"), to: "a.lua")
            let run = try program.run("run", "a.lua", "--allow-model", "--run-id", "r")
            #expect(run.status == 0, "\(run.errors)")
            let trace = try Trace(program, "r")
            let chats = trace.all("chat tiny")
            try #require(chats.count == 2)
            #expect(chats.allSatisfy { $0["kind"] == 3 })
            func messages(_ key: String, _ span: Value) throws -> Value {
                try Value(json: Trace.attribute("langfuse.observation.\(key)", of: span)?.string ?? "null")
            }
            #expect(try messages("input", chats[0]).array?.map { $0["role"]?.string } == ["system", "user"])
            #expect(
                try messages("input", chats[1]).array?.map { $0["role"]?.string } == [
                    "system", "user", "assistant", "tool",
                ])
            #expect(try messages("input", chats[1])[3]?["content"] == "25 days for leave")
            #expect(try messages("output", chats[1])["content"] == "25 days.")
            let started = Trace.attribute("langfuse.observation.completion_start_time", of: chats[1])?.string ?? ""
            #expect(started.hasSuffix("Z") && started.hasPrefix("20") && started.utf8.count == 24, "\(started)")
            let agent = try #require(trace.all("invoke_agent help").first)
            #expect(Trace.attribute("gen_ai.usage.input_tokens", of: agent) == "24")
            #expect(Trace.attribute("gen_ai.usage.cache_read.input_tokens", of: agent) == "2")
            #expect(Trace.attribute("gen_ai.agent.id", of: agent) == "help")
            let tool = try #require(trace.all("execute_tool search").first)
            #expect(Trace.attribute("gen_ai.tool.call.id", of: tool) == "call_1")
        }

        @Test(arguments: ["nil", "{ record_inputs = false, record_outputs = false }"])
        func `what a model was asked is nowhere in the journal unless the trace records it`(telemetry: String) throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(Self.turns, in: program)
            try program.write(Self.agent(provider, telemetry: telemetry), to: "a.lua")
            #expect(try program.run("run", "a.lua", "--allow-model", "--run-id", "r").status == 0)
            for chat in try Trace(program, "r").all("chat tiny") {
                #expect(Trace.attribute("langfuse.observation.input", of: chat) == nil)
                #expect(Trace.attribute("langfuse.observation.output", of: chat) == nil)
            }
            let records = try program.run("runs", "events", "r").output.split(separator: "\n")
                .map { try Value(json: String($0)) }.filter { $0["type"] == "step:model" }
            #expect(records.count == 2)
            #expect(records.allSatisfy { $0["data"]?["input"] == nil && $0["data"]?["output"] == nil })
        }

        @Test(arguments: ["{ record_inputs = false, record_outputs = false }", "false"])
        func `what an agent says of its spans holds for its turns and for its tools`(own: String) throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(Self.turns, in: program)
            try program.write(Self.agent(provider, telemetry: "true", own: own), to: "a.lua")
            let run = try program.run("run", "a.lua", "--allow-model", "--run-id", "r")
            #expect(run.status == 0, "\(run.errors)")
            let trace = try Trace(program, "r")
            let (agents, chats) = (trace.all("invoke_agent help"), trace.all("chat tiny"))
            let tools = trace.all("execute_tool search")
            #expect(agents.count == 1 && chats.count == 2 && tools.count == 1)
            for span in agents + chats + tools {
                for key in ["langfuse.observation.input", "langfuse.observation.output"] {
                    #expect(Trace.attribute(key, of: span) == nil, "\(span["name"]?.string ?? "")")
                }
            }
            // The run's own are those of the workflow.
            #expect(Trace.attribute("langfuse.observation.output", of: trace.all("w").first) != nil)
        }

        @Test func `a call that the provider refuses has a span that says so, and counts as no usage`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(#"{ "turns": [{ "status": 401, "message": "no such key" }] }"#, in: program)
            try program.write(Self.agent(provider, telemetry: "true"), to: "a.lua")
            #expect(try program.run("run", "a.lua", "--allow-model", "--run-id", "r").status == 1)
            let chat = try #require(try Trace(program, "r").all("chat tiny").first)
            #expect(chat["status"]?["code"] == 2)
            #expect(Trace.attribute("error.type", of: chat) == "model_http")
            #expect(chat["events"]?[0]?["name"] == "exception")
            #expect(try !program.run("runs", "show", "r").output.contains("models"))
        }

        @Test func `nothing of a secret is left where what a model was asked, or a URL, is cut`() throws {
            let program = try Program()
            defer { program.remove() }
            let turns = Array(repeating: #"{ "text": "yes" }"#, count: 41).joined(separator: ",")
            let provider = try FakeProvider("{ \"turns\": [\(turns)] }", in: program)
            let service = try WeatherService(heads: { _ in (200, "{}") })
            try program.write(
                """
                local aikit = require "aikit"
                local s = aikit.schema
                local model = aikit.model { provider = "openai", name = "tiny", base_url = "\(provider.base)/v1" }
                return aikit.workflow { id = "w", telemetry = true, input_schema = s.object { pw = s.string():secret() } }
                  :step { id = "ask", handler = function(input)
                    for n = 31910, 31990, 2 do model:generate { prompt = ("p"):rep(n) .. input.pw .. ("q"):rep(100) } end
                    for n = 1930, 1980 do
                      aikit.http.get("\(service.base)/" .. ("u"):rep(n) .. input.pw .. ("v"):rep(100))
                    end
                    return 1
                  end }
                  :commit()
                """, to: "w.lua")
            let run = try program.run(
                "run", "w.lua", "--allow-model", "--allow-net=127.0.0.1", "--run-id", "r", "--input",
                #"{"pw":"CUTSECRET-abcdefghijklmnopqrstuvwxyz"}"#)
            #expect(run.status == 0, "\(run.errors)")
            let text = try program.run("runs", "trace", "r", "--json").output
            #expect(text.ranges(of: "… [cut off]").count > 10)
            #expect(text.contains("[secret]"))
            #expect(!text.contains("CUTS"))
            #expect(!text.contains("wxyz"))
        }

        @Test func `requests of a handler are spans, and the service that answers is told of them`() throws {
            let program = try Program()
            defer { program.remove() }
            let heads = Heads()
            let service = try WeatherService(heads: { head in
                heads.add(head)
                return head.contains("/gone") ? (404, "{}") : (200, "{}")
            })
            try program.write(
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:step { id = "ask", handler = function(_, context)
                  aikit.http.get("\(service.base)/a", { query = { q = "x", api_key = "hush" } })
                  context:span("inner", function() aikit.sleep "5ms"; aikit.http.delete("\(service.base)/gone")
                    aikit.sleep "5ms" end)
                  return 1
                end }:commit()
                """, to: "w.lua")
            // Nobody listens there; requests are told of the trace all the same.
            let run = try program.run(
                "run", "w.lua", "--allow-net=127.0.0.1", "--run-id", "r", "--otlp", "http://127.0.0.1:9")
            #expect(run.status == 0, "\(run.errors)")
            let trace = try Trace(program, "r")
            let get = try #require(trace.all("GET").first)
            #expect(get["kind"] == 3)
            #expect(Trace.attribute("http.request.method", of: get) == "GET")
            #expect(Trace.attribute("http.response.status_code", of: get) == "200")
            #expect(Trace.attribute("server.address", of: get) == "127.0.0.1")
            let url = Trace.attribute("url.full", of: get)?.string ?? ""
            #expect(url.contains("/a?") && url.contains("q=x") && url.contains("api_key=REDACTED"), "\(url)")
            #expect(get["parentSpanId"] == trace.all("w.step.ask").first?["spanId"])
            let gone = try #require(trace.all("DELETE").first)
            #expect(gone["status"]?["code"] == 2)
            #expect(Trace.attribute("error.type", of: gone) == "404")
            #expect(gone["parentSpanId"] == trace.all("inner").first?["spanId"])
            for (span, head) in zip([get, gone], heads.all) {
                let id = span["spanId"]?.string ?? "none"
                #expect(head.lowercased().contains("-\(id)-01"), "\(head)")
            }
            #expect(heads.all.count == 2)
        }

        @Test func `the traces of tests are sent where the command line says, and nowhere else`() throws {
            let program = try Program()
            defer { program.remove() }
            let heads = Heads()
            let collector = try WeatherService(heads: { head in
                heads.add(head)
                return (200, "{}")
            })
            try program.write(
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:step { id = "one", handler = function(n) return n end }:commit()
                """, to: "w.lua")
            try program.write(
                #"it("runs", function() expect(test.run(require "w", { input = 1 })):succeeds() end)"#, to: "w_test.lua"
            )
            let environment = ProcessInfo.processInfo.environment.merging(
                ["OTEL_EXPORTER_OTLP_ENDPOINT": collector.base]) { $1 }
            #expect(try program.run(["test", "w_test.lua"], environment: environment).status == 0)
            #expect(heads.all.isEmpty)
            let sent = try program.run(["test", "w_test.lua", "--otlp", collector.base])
            #expect(sent.status == 0, "\(sent.errors)")
            #expect(heads.all.first?.hasPrefix("POST /v1/traces") == true, "\(heads.all)")
        }

        @Test func `limits of a model hold for all processes of a store`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(#"{ "turns": [{ "text": "x" }], "delay": 0.3 }"#, in: program)
            try program.write(
                """
                local aikit = require "aikit"
                local model = aikit.model { provider = "openai", name = "tiny", base_url = "\(provider.base)/v1",
                  limits = { concurrency = 1 } }
                return aikit.workflow { id = "w" }:foreach { id = "each", items = function() return { 1, 2 } end,
                  concurrency = 2, step = { id = "ask", timeout = "60s", handler = function(n)
                    return model:generate { prompt = tostring(n) }.text end } }:commit()
                """, to: "w.lua")
            let runs = try (1...3).map {
                try RunningProgram(program, "run", "w.lua", "--allow-model", "--run-id", "r\($0)")
            }
            for run in runs { #expect(run.finish().status == 0, "\(run.said)") }
            let times = provider.requests.compactMap { $0["time"]?.double }.sorted()
            #expect(times.count == 6)
            for (earlier, later) in zip(times, times.dropFirst()) { #expect(later - earlier > 0.28) }
        }
    }
}

private final class Heads: Sendable {
    private let heads = Mutex<[String]>([])
    var all: [String] { heads.withLock { $0 } }
    func add(_ head: String) { heads.withLock { $0.append(head) } }
}
