import AsyncHTTPClient
import FlatValue
import Foundation
import NIOCore
import NIOHTTP1
import Platform
import Testing
import WorkflowCore

extension CommandLine {
    @Suite("secrets in the answers of models") struct AnswerSecretTests {
        private static let secret = "hush-4711-hush"

        /// Runs a workflow of a script with `model`, and looks for the secret wherever it may not be told.
        private func told(
            _ script: String, answers: String, options: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
        ) throws -> String {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(answers, in: program)
            try program.write(
                """
                local aikit = require "aikit"
                local s = aikit.schema
                local BASE = "\(provider.base)/v1"
                local model = aikit.model { provider = "openai", name = "tiny", base_url = BASE }
                local use = { id = "use", handler = function(value, context)
                  context:log("info", "got " .. aikit.json.encode(value))
                  return value
                end }
                \(script)
                """, to: "a.lua")
            let run = try program.run(["run", "a.lua", "--allow-model", "--run-id", "r"] + options)
            #expect(run.status == 0, "\(run.errors)", sourceLocation: sourceLocation)
            #expect(run.output.contains(Self.secret), "the run gives what it gives", sourceLocation: sourceLocation)
            let shown = [
                run.errors, try program.run("runs", "trace", "r", "--json").output,
                try program.run("runs", "show", "r").output,
                try program.run("runs", "show", "r", "--json", "--redact").output,
                try program.run("runs", "events", "r", "--redact").output,
            ]
            for text in shown { #expect(!text.contains(Self.secret), "\(text)", sourceLocation: sourceLocation) }
            #expect(shown[1].contains("[secret]"), sourceLocation: sourceLocation)
            return shown[1]
        }

        private static let object = #"{ \"name\": \"Bob\", \"token\": \"\#(secret)\" }"#

        private static func workflow(_ telemetry: String = "true", agent: String) -> String {
            """
            return aikit.workflow { id = "w", telemetry = \(telemetry) }:step(aikit.agent {
              id = "help", model = model, prompt = "q", max_turns = 4,
              output_schema = s.object { name = s.string(), token = s.string():secret() }, \(agent)
            }):step(use):commit()
            """
        }

        @Test(arguments: ["true", "{ record_outputs = false }", "{ record_inputs = false }"])
        func `an agent's answer keeps what its schema calls secret`(telemetry: String) throws {
            let script = Self.workflow("{ tags = { 'x' } }", agent: "telemetry = \(telemetry),")
            _ = try told(script, answers: #"{ "turns": [{ "text": "\#(Self.object)" }] }"#)
        }

        @Test func `an answer that does not fit keeps it as well, and so does the question that follows`() throws {
            let broken = #"{ \"token\": \"\#(Self.secret)\" }"#
            let spans = try told(
                Self.workflow(agent: ""),
                answers: #"{ "turns": [{ "text": "\#(broken)" }, { "text": "Sure: \#(Self.object)" }] }"#)
            #expect(spans.contains("Your answer cannot be used"))
        }

        @Test(arguments: ["schema", "prompt"])
        func `an agent in a foreach keeps it, with a large answer`(mode: String) throws {
            let script = """
                local named = aikit.model {
                  provider = "openai", name = "tiny", base_url = BASE, structured_output = "\(mode)",
                }
                return aikit.workflow { id = "w", telemetry = true }:foreach { id = "each", items = function() return { 1, 2 } end,
                  step = aikit.agent { id = "help", model = named, prompt = "q", output_schema = s.object {
                    zfiller = s.string(), token = s.string():secret() } },
                }:step(use):commit()
                """
            let filler = String(repeating: "x", count: 40_000)
            let large = #"{ \"token\": \"\#(Self.secret)\", \"zfiller\": \"\#(filler)\" }"#
            _ = try told(script, answers: #"{ "turns": [{ "text": "\#(large)" }] }"#)
        }

        @Test(arguments: ["", "record = false,"])
        func `what model:generate is asked for keeps it, in a step without schemas`(record: String) throws {
            let script = """
                return aikit.workflow { id = "w", telemetry = true }:step { id = "ask", handler = function()
                  return model:generate { prompt = "q", \(record)
                    output_schema = s.object { name = s.string(), token = s.string():secret() } }.object
                end }:step(use):commit()
                """
            _ = try told(script, answers: #"{ "turns": [{ "text": "\#(Self.object)" }] }"#)
        }

        @Test func `arguments of tools that model:generate names keep it`() throws {
            let script = """
                local pay = aikit.tool { id = "pay", input_schema = s.object { pin = s.string():secret() }, handler = function() end }
                return aikit.workflow { id = "w", telemetry = true }:step { id = "ask", handler = function()
                  return model:generate({ prompt = "q", tools = { pay } }).tool_calls
                end }:step(use):commit()
                """
            _ = try told(
                script,
                answers:
                    #"{ "turns": [{ "tool_calls": [{ "name": "pay", "arguments": { "pin": "\#(Self.secret)" } }] }] }"#)
        }

        @Test(arguments: [true, false])
        func `tools of servers keep what their own schemas call secret`(isApproved: Bool) throws {
            let program = try Program([
                "served.lua": """
                local aikit = require "aikit"
                local s = aikit.schema
                return aikit.workflow {
                  id = "look", description = "Looks", input_schema = s.object { q = s.string(), pin = s.string():secret() },
                  output_schema = s.object { found = s.string():secret() },
                }:step { id = "x", handler = function() return { found = "found-0815-found" } end }:commit()
                """
            ])
            defer { program.remove() }
            let provider = try FakeProvider(
                #"""
                { "turns": [{ "tool_calls": [{ "name": "look", "arguments": { "q": "a", "pin": "\#(Self.secret)" } }] },
                  { "text": "It says found-0815-found for \#(Self.secret)." }] }
                """#, in: program)
            try program.write(
                """
                local aikit = require "aikit"
                local model = aikit.model { provider = "openai", name = "tiny", base_url = "\(provider.base)/v1" }
                local server = aikit.mcp { command = { "\(Program.binary)", "mcp", "served.lua", "--store", "memory" } }
                return aikit.workflow { id = "w", telemetry = true }:step(aikit.agent {
                  id = "help", model = model, prompt = "q", tools = { server }, max_turns = 3,
                }):step { id = "use", handler = function(value, context) context:log("info", value.text) return value end }:commit()
                """, to: "a.lua")
            let run = try program.run(
                ["run", "a.lua", "--allow-model", "--allow-run", "--run-id", "r", "--store", "r.db"]
                    + (isApproved ? ["--isolate=none"] : []))
            #expect(run.status == 0, "\(run.errors)")
            for arguments in [
                ["trace", "r", "--json"], ["show", "r", "--json", "--redact"], ["events", "r", "--redact"],
            ] {
                let shown = try program.run(["runs"] + arguments + ["--store", "r.db"]).output
                #expect(shown.contains("[secret]") && !shown.contains(Self.secret), "\(shown)")
                #expect(!shown.contains("found-0815-found"), "\(shown)")
            }
            #expect(run.errors.contains("It says [secret] for [secret]."), "\(run.errors)")
        }

        @Test(arguments: [[], ["--isolate=none"]] as [[String]])
        func `pieces of an answer with secrets are told to nobody who asks for none`(isolation: [String]) async throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(#"{ "turns": [{ "text": "\#(Self.object)" }] }"#, in: program)
            try program.write(
                """
                local aikit = require "aikit"
                local s = aikit.schema
                local model = aikit.model { provider = "openai", name = "tiny", base_url = "\(provider.base)/v1" }
                return aikit.workflow { id = "w" }:human { id = "go" }:step { id = "ask", handler = function()
                  return model:stream { prompt = "q",
                    output_schema = s.object { name = s.string(), token = s.string():secret() } }.object
                end }:commit()
                """, to: "a.lua")
            let server = try ServeTests.Server(program, serving: "a.lua", ["--allow-model"] + isolation)
            defer { server.running.send(SIGKILL) }
            _ = try await server.ask("POST", "/api/workflows/w/runs", ["runId": "r", "inputData": [:]])
            #expect(try await server.ask("GET", "/api/runs/r?wait=20s").json["status"] == "waiting_human")
            func stream(_ query: String) async throws -> HTTPClientResponse {
                var request = HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/api/runs/r/events\(query)")
                request.headers.add(name: "accept", value: "text/event-stream")
                return try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            }
            let (redacted, whole) = (try await stream("?redact=true"), try await stream(""))
            _ = try await server.ask("POST", "/api/runs/r/resume", ["stepId": "go", "data": [:]])
            let told = String(buffer: try await redacted.body.collect(upTo: 1 << 22))
            #expect(told.contains("step:model") && told.contains("[secret]"), "\(told)")
            #expect(!told.contains("step:delta") && !told.contains(Self.secret), "\(told)")
            #expect(String(buffer: try await whole.body.collect(upTo: 1 << 22)).contains("step:delta"))
        }

        @Test func `what a model was asked is in no output where inputs are not recorded`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(
                #"{ "turns": [{ "tool_calls": [{ "name": "look", "arguments": {} }] }, { "text": "done" }] }"#,
                in: program)
            try program.write(
                """
                local aikit = require "aikit"
                local model = aikit.model { provider = "openai", name = "tiny", base_url = "\(provider.base)/v1" }
                local look = aikit.tool { id = "look", handler = function() return "LOOKED" end }
                return aikit.workflow { id = "w", telemetry = { record_inputs = false } }:step(aikit.agent {
                  id = "help", model = model, instructions = "INSTRUCTED", prompt = "PROMPTED", tools = { look },
                }):commit()
                """, to: "a.lua")
            let run = try program.run("run", "a.lua", "--allow-model", "--run-id", "r")
            #expect(run.status == 0 && run.output.contains("PROMPTED"), "\(run.errors)")
            let spans = try program.run("runs", "trace", "r", "--json").output
            #expect(!spans.contains("INSTRUCTED") && !spans.contains("PROMPTED"), "\(spans)")
            #expect(spans.contains("LOOKED") && spans.contains("done"))
        }
    }
}
