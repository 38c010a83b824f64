import FlatValue
import Foundation
import Platform
import Testing

extension CommandLine {
    struct CompensationTests {
        /// Fails in its last step, after steps in every construct; one undoing is retried, and one fails for good.
        private static let saga = """
            local aikit = require "aikit"
            local function step(id, compensate)
              return aikit.step { id = id, handler = function(x) return x end, compensate = compensate,
                retry = { max_attempts = 2, initial = "10ms" } }
            end
            local function undo(output, input, context)
              context.store.undone = (context.store.undone or "") .. context.path .. " "
            end
            local inner = aikit.workflow { id = "inner" }:step(step("w", undo)):commit()
            return aikit.workflow {
                id = "saga",
                on_failure = function(failure, context) context:emit { type = "told", data = #failure.compensation.undone } end,
                on_cancel = function(reason, context) context:emit { type = "stopped", data = reason } end,
              }
              :step(step("a", function(_, _, context)
                if context.attempt == 1 then error "not yet" end
                undo(nil, nil, context)
              end))
              :step(step("b", function() error "never" end))
              :parallel { id = "both", branches = { l = { step("x", undo) }, r = { step("y", undo) } },
                aggregate = function() return {} end }
              :foreach { id = "each", items = function() return { { n = 1 }, { n = 2 } } end,
                step = step("item", undo), collect = function() return {} end }
              :loop { id = "again", step = step("turn", undo),
                condition = function(_, context) return context.iteration < 3 end, collect = function() return {} end }
              :step(inner)
              :step { id = "end", handler = function() error("sold out", 0) end }
              :commit()
            """

        private static let undone = [
            "inner/w", "again[2]/turn", "again[1]/turn", "each[2]/item", "each[1]/item", "both[r]/y", "both[l]/x", "a",
        ]

        private func object(_ text: some StringProtocol) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }

        private func compensation(of result: [String: Any]) throws -> [String: Any] {
            let error = try #require(result["error"] as? [String: Any])
            return try #require(error["compensation"] as? [String: Any])
        }

        @Test func `what a run undid is the same wherever its process dies`() throws {
            let program = try Program(["saga.lua": Self.saga])
            defer { program.remove() }
            let outcome = try program.run("torture", "saga.lua")
            #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
            let report = try object(outcome.output)
            #expect(report["ok"] as? Bool == true)
            #expect(report["status"] as? String == "failed")
            #expect(report["kills"] as? Int == report["writes"] as? Int)
            #expect((report["kills"] as? Int ?? 0) > 25)
        }

        @Test func `a run that fails says what it undid, now and later`() throws {
            let program = try Program(["saga.lua": Self.saga])
            defer { program.remove() }
            let outcome = try program.run("run", "saga.lua", "--run-id", "r", "--events")
            #expect(outcome.status == 1)
            let events = try outcome.output.split(separator: "\n").map { try object($0) }
            let result = try #require(events.last)
            let compensation = try compensation(of: result)
            #expect(compensation["undone"] as? [String] == Self.undone)
            let failed = try #require(compensation["failed"] as? [[String: Any]])
            #expect(failed.map { $0["path"] as? String } == ["b"])
            let told = events.filter { $0["type"] as? String == "step:event" }
            #expect((told.first?["data"] as? [String: Any])?["payload"] as? Int == Self.undone.count)
            let types = events.compactMap { $0["type"] as? String }
            #expect(types.count { $0 == "step:compensate:success" } == Self.undone.count)
            #expect(types.count { $0 == "step:compensate:retry" } == 2)
            #expect(types.count { $0 == "step:compensate:error" } == 1)
            #expect(types.suffix(4).dropLast() == ["step:event", "workflow:handler:success", "workflow:error"])

            let shown = try program.run("runs", "show", "r")
            #expect(shown.output.contains("undone: " + Self.undone.joined(separator: ", ")), "\(shown.output)")
            #expect(shown.output.contains("not undone: b: "), "\(shown.output)")
            let value = try object(try program.run("runs", "show", "r", "--json").output)
            let steps = try #require(value["steps"] as? [String: Any])
            let first = try #require((steps["a"] as? [[String: Any]])?.first?["compensation"] as? [String: Any])
            #expect(first["status"] as? String == "success")
            #expect(first["attempts"] as? Int == 2)
        }

        @Test func `a cancel undoes as well`() throws {
            let waiting = Self.saga.replacing(
                ":step { id = \"end\"", with: ":wait_for { id = \"go\", event = \"go\" }:step { id = \"end\"")
            let program = try Program(["saga.lua": waiting])
            defer { program.remove() }
            #expect(try program.run("run", "saga.lua", "--run-id", "r").status == 3)
            let cancelled = try program.run("runs", "cancel", "r", "--reason", "no more")
            #expect(cancelled.status == 0, "\(cancelled.errors)")
            let value = try object(try program.run("runs", "show", "r", "--json").output)
            #expect(value["status"] as? String == "cancelled")
            #expect(try compensation(of: value)["undone"] as? [String] == Self.undone)
            let events = try program.run("runs", "events", "r").output
            #expect(events.contains(#""name":"stopped""#), "\(events)")
        }

        @Test func `a retry begins again where undoing left off`() throws {
            let program = try Program(["saga.lua": Self.saga])
            defer { program.remove() }
            _ = try program.run("run", "saga.lua", "--run-id", "r")
            let outcome = try program.run("runs", "retry", "r", "--run-id", "again", "--events")
            let result = try object(try #require(outcome.output.split(separator: "\n").last))
            #expect(try compensation(of: result)["undone"] as? [String] == Self.undone, "\(outcome.errors)")
            let refused = try program.run("runs", "fork", "r", "--from", "end")
            #expect(refused.status == 2)
            #expect(refused.errors.contains("was undone"), "\(refused.errors)")
        }

        @Test(arguments: [[], ["--isolate"]], [#"aikit.sleep "1h""#, #"error "not yet""#])
        func `a run that is being undone says of which step`(_ way: [String], _ undo: String) async throws {
            let script = """
                local aikit = require "aikit"
                local function book() return 1 end
                return aikit.workflow { id = "saga" }
                  :foreach { id = "each", items = function() return { { n = 1 } } end, collect = function() return {} end,
                    step = aikit.step { id = "book", handler = book, compensate = function() \(undo) end,
                      retry = { max_attempts = 2, initial = "1h" }, timeout = "2h" } }
                  :step { id = "pay", handler = function() error("sold out", 0) end }
                  :commit()
                """
            let program = try Program(["saga.lua": script])
            defer { program.remove() }
            let server = try ServeTests.Server(program, serving: ".", way)
            defer { server.running.send(SIGKILL) }
            let started = try await server.ask("POST", "/api/workflows/saga/runs", ["inputData": [:], "runId": "r"])
            #expect(started.status == 202)
            let isTold = try await IsolatedServeTests.poll {
                try await server.ask("GET", "/api/runs/r?summary=true").json["undoing"] == "each[1]/book"
            }
            #expect(isTold)
            #expect(try await server.ask("GET", "/api/runs").json["runs"]?[0]?["undoing"] == "each[1]/book")
            // Another process of the store says it too.
            let other = try ServeTests.Server(program, serving: ".", way)
            defer { other.running.send(SIGKILL) }
            #expect(try await other.ask("GET", "/api/runs").json["runs"]?[0]?["undoing"] == "each[1]/book")
            #expect(try await other.ask("GET", "/api/runs/r?summary=true").json["undoing"] == "each[1]/book")
            let list = try program.run("runs", "list", "--store", "runs.db").output
            #expect(list.contains("undoing each[1]/book"), "\(list)")
            let value = try program.run("runs", "list", "--store", "runs.db", "--json").output
            #expect(value.contains(#""undoing": "each[1]/book""#), "\(value)")
        }

        @Test func `of a run that is being undone nothing is begun or waited for`() throws {
            let program = try Program([
                "slow.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "slow" }
                  :step { id = "a", handler = function() return 1 end, compensate = function()
                    print "undoes"
                    aikit.sleep(3)
                  end }
                  :step { id = "end", handler = function() error("sold out", 0) end }
                  :wait_for { id = "go", event = "go" }
                  :commit()
                """
            ])
            defer { program.remove() }
            let running = try RunningProgram(program, "run", "slow.lua", "--run-id", "r")
            #expect(running.hear("undoes"))
            for command in [["retry", "r"], ["fork", "r", "--from", "end"]] {
                let refused = try program.run(["runs"] + command)
                #expect(refused.status == 2 && refused.errors.contains("is ending"), "\(refused.errors)")
            }
            let signalled = try program.run("signal", "r", "go")
            #expect(signalled.status == 2 && signalled.errors.contains("waits for nobody"), "\(signalled.errors)")
            #expect(running.finish().status == 1)
            let list = try program.run("runs", "list").output
            #expect(!list.contains("success"), "\(list)")
        }

        @Test func `a retry does nothing again that could not be undone, of a step that came several times`() throws {
            let program = try Program([
                "jump.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "jump" }
                  :step {
                    id = "a",
                    handler = function(_, context)
                      print("does " .. context.occurrence)
                      return context.occurrence
                    end,
                    compensate = function(output) if output == 1 then error "never" end end,
                    next = function(output) return output < 3 and "a" or "end" end,
                  }
                  :step { id = "end", handler = function() error("sold out", 0) end }
                  :commit()
                """
            ])
            defer { program.remove() }
            _ = try program.run("run", "jump.lua", "--run-id", "r")
            let outcome = try program.run("runs", "retry", "r", "--run-id", "again")
            let done = outcome.errors.split(separator: "\n").filter { $0.contains("does ") }.compactMap(\.last)
            #expect(done == ["2", "3"], "\(outcome.errors)")
        }
    }
}
