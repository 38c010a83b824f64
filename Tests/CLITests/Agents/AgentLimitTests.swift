import FlatValue
import Foundation
import Platform
import Testing
import WorkflowCore

private func model(_ provider: FakeProvider) -> String {
    """
    local aikit = require "aikit"
    local s = aikit.schema
    local model = aikit.model { provider = "openai", name = "tiny", base_url = "\(provider.base)/v1" }
    """
}

private let search = #"{ "tool_calls": [{ "name": "search", "arguments": { "query": "x" } }] }"#

private let searcher = """

    local search = aikit.tool {
      id = "search", input_schema = s.object { query = s.string() }, handler = function() return { "25 days" } end,
    }
    return aikit.agent { id = "help", model = model, tools = { search }, prompt = "How much leave?" }
    """

private func send(_ signal: Int32, to process: Process) { kill(process.processIdentifier, signal) }

extension CommandLine {
    struct AgentLimitTests {
        /// Runs the program until it has told of so many events, and kills it then; false where the run was over before.
        private func crash(_ program: Program, _ arguments: [String], after count: Int) throws -> Bool {
            let process = program.process(arguments)
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            process.standardInput = FileHandle.nullDevice
            try process.run()
            var lines = 0
            while lines < count {
                let data = output.fileHandleForReading.availableData
                if data.isEmpty { break }
                lines += data.count(where: { $0 == UInt8(ascii: "\n") })
            }
            send(SIGKILL, to: process)
            process.waitUntilExit()
            return lines >= count && process.terminationReason == .uncaughtSignal
        }

        @Test func `a kill after each entry of the journal of five turns: one call more at most`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(
                "{ \"turns\": [\(search), \(search), \(search), \(search), { \"text\": \"Done.\" }] }", in: program)
            try program.write(model(provider) + searcher, to: "help.lua")
            var (asked, point) = (0, 1)
            while true {
                let arguments = ["run", "help.lua", "--allow-model", "--events", "--run-id", "r\(point)"]
                let wasKilled = try crash(program, arguments, after: point)
                let end = try program.run(arguments)
                #expect(end.status == 0, "\(end.errors)")
                let result = try Value(json: String(end.output.split(separator: "\n").last ?? ""))
                #expect(result["result"]?["turns"] == 5)
                let count = provider.requests.count - asked
                #expect(count == 5 || wasKilled && count == 6, "\(count) calls with a kill after event \(point)")
                asked = provider.requests.count
                if !wasKilled { break }
                point += 1
            }
            #expect(point > 20)
        }

        @Test func `the time of an agent is that of the agents below it, also within a call`() throws {
            let program = try Program()
            defer { program.remove() }
            let ask = #"{ "tool_calls": [{ "name": "inner", "arguments": {} }] }"#
            let provider = try FakeProvider(
                "{ \"turns\": [\(ask), \(search), { \"text\": \"Late.\", \"slow\": 30 }] }", in: program)
            let script = """

                local search = aikit.tool { id = "search", handler = function() return "x" end }
                local inner = aikit.tool { id = "inner", step = aikit.agent {
                  id = "below", model = model, tools = { search },
                  prompt = { { role = "assistant", content = "-" }, { role = "user", content = "Go" } },
                } }
                return aikit.agent { id = "above", model = model, tools = { inner }, prompt = "Go",
                  on_tool_error = "fail", budget = { time = "3s" } }
                """
            try program.write(model(provider) + script, to: "a.lua")
            let start = ContinuousClock.now
            let run = try program.run("run", "a.lua", "--allow-model", "--store", "memory")
            #expect(run.status == 1)
            #expect(run.errors.contains("agent 'above' has taken longer than its budget of 3 s"), "\(run.errors)")
            #expect(ContinuousClock.now - start < .seconds(20))
            #expect(provider.requests.count == 3)
        }

        @Test func `a cassette is recorded once, and answers without a provider`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(
                "{ \"turns\": [\(search), { \"text\": \"25 days.\" }] }", in: program)
            try program.write(model(provider) + searcher, to: "help.lua")
            let test = """
                local help = require "help"
                it("answers", function()
                  test.model { cassette = "help" }
                  local run = test.run(help, {})
                  expect(run.result.text):equals "25 days."
                  expect(run.usage.input_tokens):is_greater_than(0)
                end)
                """
            try program.write(test, to: "help_test.lua")
            let early = try program.run("test", "help_test.lua")
            #expect(early.status == 1)
            #expect((early.output + early.errors).contains("record it: aikit-lua test --record"))
            let recorded = try program.run("test", "help_test.lua", "--record", "--allow-model")
            #expect(recorded.status == 0, "\(recorded.errors)")
            #expect(provider.requests.count == 2)
            let replayed = try program.run("test", "help_test.lua")
            #expect(replayed.status == 0, "\(replayed.errors)")
            #expect(provider.requests.count == 2)
            try program.write(
                test.replacing("expect(run.result.text):equals \"25 days.\"", with: "expect(run):succeeds()"),
                to: "help_test.lua")
            try program.write(
                (model(provider) + searcher).replacing("How much leave?", with: "How little?"), to: "help.lua")
            let other = try program.run("test", "help_test.lua")
            #expect(other.status == 1)
            #expect((other.output + other.errors).contains("no answer to this request"))
        }

        @Test func `the same question is asked once for all runs of a store, as long as its answer is kept`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider("{ \"turns\": [{ \"text\": \"25 days.\" }] }", in: program)
            func ask(_ question: String, cache: String, _ options: String...) throws -> Value {
                let script =
                    model(provider).replacing("name = \"tiny\",", with: "name = \"tiny\", cache = \"\(cache)\",")
                    + "\nreturn aikit.agent { id = \"a\", model = model, prompt = \"\(question)\", budget = { tokens = 10 } }"
                try program.write(script, to: "a.lua")
                let run = try program.run(["run", "a.lua", "--allow-model"] + options)
                #expect(run.status == 0, "\(run.errors)")
                return try Value(json: run.output)
            }
            let first = try ask("How much?", cache: "30d")
            #expect(first["usage"]?["input_tokens"]?.int ?? 0 > 0)
            let second = try ask("How much?", cache: "30d")
            #expect(second["text"] == "25 days.")
            #expect(second["usage"]?["input_tokens"] == 0)
            #expect(provider.requests.count == 1)
            _ = try ask("How little?", cache: "1ms")
            _ = try ask("How little?", cache: "1ms")
            _ = try ask("How much?", cache: "30d", "--store", "memory")
            #expect(provider.requests.count == 4)
        }

        @Test func `an agent uses the tools of a server, and a person allows their calls`() throws {
            let program = try Program()
            defer { program.remove() }
            let add = #"{ "tool_calls": [{ "name": "x_add", "arguments": { "a": 2, "b": 3 } }] }"#
            let provider = try FakeProvider("{ \"turns\": [\(add), { \"text\": \"5\" }] }", in: program)
            let server = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("Fixtures/mcp/server.py").path
            let script = """

                local server = aikit.mcp { command = { "python3", "\(server)" }, allow = { "add" }, prefix = "x_" }
                return aikit.agent { id = "sum", model = model, tools = { server }, prompt = "2 and 3?", approve = { "x_add" } }
                """
            try program.write(model(provider) + script, to: "a.lua")
            let run = try program.run(
                "run", "a.lua", "--allow-model", "--allow-run=python3", "--run-id", "r")
            #expect(run.status == 3, "\(run.errors)")
            let tools = provider.requests.first?["body"]?["tools"]?.array
            #expect(tools?.count == 1)
            #expect(tools?[0]["function"]?["name"] == "x_add")
            let end = try program.run("resume", "r", "--data", #"{"approved":true}"#)
            #expect(end.status == 0, "\(end.errors)")
            let messages = try Value(json: end.output)["messages"]?.array ?? []
            #expect(messages.contains { $0["role"] == "tool" && $0["content"] == #"{"sum":5}"# })
            let denied = try program.run("run", "a.lua", "--allow-model", "--store", "memory")
            #expect(denied.errors.contains("--allow-run=python3"))
        }

        @Test func `a step knows where it stands in the trace`() throws {
            let program = try Program()
            defer { program.remove() }
            try program.write(
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:foreach { id = "each", items = function() return { 1 } end,
                  step = { id = "one", handler = function(_, context)
                    local inner = context:span("deep", function() return context.trace.span_id end)
                    return { own = context.trace, inner = inner }
                  end } }:commit()
                """, to: "w.lua")
            let run = try program.run("run", "w.lua", "--run-id", "r")
            #expect(run.status == 0, "\(run.errors)")
            let given = try Value(json: run.output)[0]
            let spans = try Value(json: program.run("runs", "trace", "r", "--json").output)
            let all = spans["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? []
            func id(_ name: String) -> Value? { all.first { $0["name"]?.string == name }?["spanId"] }
            #expect(id("w.step.one") == given?["own"]?["span_id"])
            #expect(id("deep") == given?["inner"])
            let trace = given?["own"]?["trace_id"]?.string ?? ""
            #expect(all.first?["traceId"]?.string == trace)
            let span = given?["own"]?["span_id"]?.string ?? ""
            // Nobody is sent the spans.
            #expect(given?["own"]?["traceparent"]?.string == "00-\(trace)-\(span)-00")
        }
    }
}
