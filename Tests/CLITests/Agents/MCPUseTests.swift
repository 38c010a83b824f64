import FlatValue
import Foundation
import Platform
import Testing
import WorkflowCore

extension CommandLine {
    @Suite("tools of MCP servers") struct MCPUseTests {
        private static let server = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/mcp/server.py")
            .path

        @Test func `the workflows of a server of ours are tools for another process, by HTTP`() throws {
            let serving = try Program([
                "w.lua": """
                local aikit = require "aikit"
                local s = aikit.schema
                return {
                  aikit.workflow { id = "add", description = "Adds.", input_schema = s.object { a = s.number(), b = s.number() } }
                    :step { id = "sum", handler = function(input) return { sum = input.a + input.b } end }:commit(),
                  aikit.workflow { id = "break", description = "Fails." }
                    :step { id = "fail", handler = function() error("it broke", 0) end }:commit(),
                }
                """
            ])
            defer { serving.remove() }
            let server = try ServeTests.Server(serving)
            defer { server.running.send(SIGKILL) }
            let program = try Program()
            defer { program.remove() }
            try program.write(
                """
                local aikit = require "aikit"
                local server = aikit.mcp { url = "http://127.0.0.1:\(server.port)/mcp", allow = { "add", "break" } }
                return aikit.workflow { id = "w" }:step { id = "ask", handler = function()
                  local names = {}
                  for _, tool in ipairs(server:tools()) do names[#names + 1] = tool.name end
                  table.sort(names)
                  local sums = {}
                  for i = 1, 20 do sums[i] = server:call("add", { a = i, b = 1 }).sum end
                  local ok, failure = pcall(server.call, server, "break")
                  return { names = names, last = sums[20], ok = ok, code = failure.code, message = failure.message }
                end }:commit()
                """, to: "w.lua")
            let run = try program.run("run", "w.lua", "--allow-net=127.0.0.1:\(server.port)", "--store", "memory")
            #expect(run.status == 0, "\(run.errors)")
            let result = try Value(json: run.output)
            #expect(result["names"] == ["add", "break"])
            #expect(result["last"] == 21)
            #expect(result["ok"] == false && result["code"] == "mcp_tool")
            #expect(result["message"]?.string?.contains("it broke") == true)
            let denied = try program.run("run", "w.lua", "--store", "memory")
            #expect(denied.errors.contains("--allow-net=127.0.0.1:\(server.port)"))
        }

        private static func project(_ program: Program, says: String) throws {
            try program.write(
                """
                local aikit = require "aikit"
                local server = aikit.mcp { command = { "python3", "\(server)" }, env = { MODE = "quiet" } }
                return aikit.workflow { id = "w" }:step { id = "ask", handler = function(input)
                  return { count = #server:tools(), sum = server:call("add", { a = input.a, b = 2 }).sum }
                end }:commit()
                """, to: "w.lua")
            try program.write(
                """
                local w = require "w"
                it("adds", function()
                  local calls = test.mcp \(says)
                  local run = test.run(w, { input = { a = 1 } })
                  expect(run):succeeds()
                  expect(run.result.sum):equals(3)
                  expect(calls:requests()[2].name):equals "add"
                end)
                """, to: "w_test.lua")
        }

        @Test func `what a server answers is recorded, and given again without it`() throws {
            let program = try Program()
            defer { program.remove() }
            try Self.project(program, says: #"{ cassette = "sums" }"#)
            let missing = try program.run("test", "w_test.lua")
            #expect(missing.status == 1)
            #expect((missing.output + missing.errors).contains("aikit-lua test --record"))
            let recorded = try program.run("test", "w_test.lua", "--record", "--allow-run=python3")
            #expect(recorded.status == 0, "\(recorded.errors)")
            let tape = try String(
                contentsOf: program.folder.appendingPathComponent("cassettes/sums.mcp.json"), encoding: .utf8)
            #expect(tape.contains(#""sum""#) && !tape.contains("quiet"))
            // No permission, so no server.
            let replayed = try program.run("test", "w_test.lua")
            #expect(replayed.status == 0, "\(replayed.errors)")
            try program.write(
                String(contentsOf: program.folder.appendingPathComponent("w_test.lua"), encoding: .utf8)
                    .replacing("a = 1", with: "a = 5"), to: "w_test.lua")
            let other = try program.run("test", "w_test.lua")
            #expect((other.output + other.errors).contains("no answer to this request"))
        }

        @Test func `a test answers for a server, and sees what it was asked`() throws {
            let program = try Program()
            defer { program.remove() }
            try Self.project(
                program,
                says: "{ tools = { add = function(arguments) return { sum = arguments.a + arguments.b } end } }")
            let passed = try program.run("test", "w_test.lua")
            #expect(passed.status == 0, "\(passed.errors)")
            try Self.project(program, says: "{ tools = { add = function() error('it is boiling') end } }")
            let failed = try program.run("test", "w_test.lua")
            #expect(failed.status == 1)
            #expect((failed.output + failed.errors).contains("it is boiling"))
            try Self.project(program, says: "{ tools = { other = function() end } }")
            let unknown = try program.run("test", "w_test.lua")
            #expect((unknown.output + unknown.errors).contains("test.mcp has no tool 'add'; it has other"))
        }
    }
}
