import FlatValue
import Foundation
import Testing

extension CommandLine {
    struct ChildTests {
        private func program() throws -> Program {
            try Program(["family.lua": familyScript, "a.txt": "A", "b.txt": "B"])
        }

        private func count(_ word: String, in text: String) -> Int {
            text.split(separator: "\n").count { $0.hasSuffix(word) }
        }

        private func run(_ program: Program, _ workflow: String, _ input: String, _ more: String...) throws
            -> Program.Outcome
        {
            try program.run(["run", "family.lua", "--workflow", workflow, "--run-id", "p", "--input", input] + more)
        }

        /// Where runs are kept, and whether their code runs in processes of its own.
        private static let ways = [
            [], ["--store", "memory"], ["--isolate"], ["--isolate", "--store", "memory"], ["--isolate=run"],
        ]

        @Test(arguments: ways, ["true", "false"])
        func `what undoes a step starts runs of its own`(store: [String], same: String) throws {
            let program = try program()
            defer { program.remove() }
            let run = try program.run(
                ["run", "family.lua", "--workflow", "saga", "--run-id", "p", "--input", "{\"same\":\(same)}"] + store)
            #expect(run.status == 1)
            #expect(!run.errors.contains("not undone"), "\(run.errors)")
            #expect(count("works", in: run.errors) == 2, "\(run.errors)")
            #expect(count("asks 1", in: run.errors) == (same == "true" ? 0 : 1))
        }

        // Runs that nothing keeps have no limits.
        @Test(arguments: ways.filter { $0 != ["--store", "memory"] }, ["alone", "far", "crowd", "line"])
        func `a run that would wait for itself is told so`(store: [String], way: String) throws {
            let program = try program()
            defer { program.remove() }
            let (workflow, input) = way == "far" ? ("alone", #"{"far":true}"#) : (way, "{}")
            let run = try program.run(
                ["run", "family.lua", "--workflow", workflow, "--run-id", "p", "--input", input] + store)
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output == "\"waits_for_itself\"\n", "\(run.errors)")
        }

        @Test(arguments: ways)
        func `a run that is waited for gives its output, or raises its error`(store: [String]) throws {
            let program = try program()
            defer { program.remove() }
            func run(_ id: String, _ input: String) throws -> Program.Outcome {
                try program.run(
                    ["run", "family.lua", "--workflow", "ask", "--run-id", id, "--input", input, "--events"] + store)
            }
            let good = try run("p", "{}")
            #expect(good.status == 0)
            #expect(good.output.contains(#""result":{"answer":7}"#))
            let bad = try run("q", #"{"fails":true}"#)
            #expect(bad.status == 1)
            #expect(bad.output.contains(#""code":"tired""#) && bad.output.contains("it is tired"))
            #expect(bad.output.contains(#""workflow":"work""#))
            guard !store.contains("memory") else { return }
            let list = try program.run("runs", "list", "--workflow", "work", "--json").output
            #expect(list.contains(#""lineage": "p""#) && list.contains(#""status": "success""#))
            let child = try #require(list.firstMatch(of: /"runId": "(p~c[0-9a-f]{16})"/)?.1)
            #expect(try program.run("runs", "show", String(child)).output.contains("from     p, started by it"))
        }

        @Test(arguments: [[], ["--isolate"]])
        func `a run that is waited for runs once, though the process of both is killed`(way: [String]) throws {
            let program = try program()
            defer { program.remove() }
            let running = try RunningProgram(
                program,
                ["run", "family.lua", "--workflow", "ask", "--run-id", "p", "--input", #"{"seconds":1}"#] + way)
            #expect(running.hear("works"))
            running.crash()
            let end = try program.run(
                ["run", "family.lua", "--workflow", "ask", "--run-id", "p", "--input", #"{"seconds":1}"#] + way)
            #expect(end.status == 0, "\(end.errors)")
            #expect(end.output.contains(#""answer": 7"#))
            let list = try program.run("runs", "list", "--json").output
            #expect(list.components(separatedBy: "\"runId\"").count - 1 == 2)
        }

        @Test(arguments: [[], ["--isolate"]])
        func `what a run has started ends with it, or is left`(way: [String]) throws {
            let program = try program()
            defer { program.remove() }
            #expect(try program.run(["run", "family.lua", "--workflow", "leave", "--run-id", "p"] + way).status == 0)
            let taken = try program.run("runs", "show", "taken").output
            #expect(taken.contains("cancelled: run p, which started it, has ended"))
            #expect(try program.run("runs", "show", "kept").output.contains("waiting"))
            #expect(try program.run("signal", "kept", "go").status == 0)
        }

        @Test(arguments: [[], ["--isolate"]])
        func `steps of what a run has started may end as its own may, when the process does`(way: [String]) throws {
            let script = """
                local aikit = require "aikit"
                local kid = aikit.workflow { id = "kid" }
                  :step { id = "k", handler = function()
                      aikit.fs.append("said.txt", "once\\n")
                      aikit.sleep(0.3)
                      return 1
                    end }
                  :commit()
                local parent = aikit.workflow { id = "parent" }
                  :step { id = "a", handler = function() aikit.start(kid, {}, { id = "k1" }) return 1 end }
                  :human { id = "h" }
                  :commit()
                return { parent, kid }
                """
            let program = try Program(["kid.lua": script])
            defer { program.remove() }
            let run = try program.run(
                ["run", "kid.lua", "--workflow", "parent", "--run-id", "p", "--allow-write=.", "--detach"] + way)
            #expect(run.status == 3, "\(run.errors)")
            #expect(try program.run("runs", "show", "k1").output.contains("success"))
            _ = try program.run("runs", "recover")
            let said = try String(contentsOf: program.folder.appending(path: "said.txt"), encoding: .utf8)
            #expect(said == "once\n")
        }

        @Test func `a run that is cancelled takes those with it that it waits for`() throws {
            let program = try program()
            defer { program.remove() }
            let running = try RunningProgram(
                program, "run", "family.lua", "--workflow", "ask", "--run-id", "p", "--input", #"{"seconds":60}"#)
            #expect(running.hear("works"))
            #expect(try program.run("runs", "cancel", "p").status == 0)
            #expect(running.finish().status == 1)
            let list = try program.run("runs", "list", "--status", "cancelled", "--json").output
            #expect(list.contains(#""workflowId": "work""#) && list.contains(#""workflowId": "ask""#))
        }

        @Test func `a run may do no more than the step that started it`() throws {
            let program = try program()
            defer { program.remove() }
            for store in Self.ways {
                let run = try program.run(["run", "family.lua", "--workflow", "narrow", "--allow-read"] + store)
                #expect(run.status == 0, "\(run.errors)")
                let words = run.output.split(whereSeparator: { "[]\", \n".contains($0) }).map(String.init)
                #expect(words == ["A", "permission_denied"])
            }
        }

        @Test(arguments: ways)
        func `a loop that was started ends with the run that started it`(store: [String]) throws {
            let program = try program()
            defer { program.remove() }
            let run = try program.run(["run", "family.lua", "--workflow", "brief"] + store)
            #expect(run.status == 0, "\(run.errors)")
            guard !store.contains("memory") else { return }
            #expect(try program.run("runs", "list", "--status", "running,queued").output.isEmpty)
            let list = try program.run("runs", "list", "--status", "cancelled", "--json").output
            #expect(list.contains(#""workflowId": "forever""#))
        }

        @Test(arguments: ways)
        func `an id stands for one run, of one workflow and one input`(store: [String]) throws {
            let program = try program()
            defer { program.remove() }
            let run = try program.run(["run", "family.lua", "--workflow", "same"] + store)
            #expect(run.status == 0, "\(run.errors)")
            let words = run.output.split(whereSeparator: { "[]\", \n".contains($0) }).map(String.init)
            #expect(words == ["1", "1", "other_input", "id_taken"])
        }

        private static let claims = """
            local aikit = require "aikit"
            local victim = aikit.workflow { id = "victim" }
              :step(aikit.wait_for { id = "w", event = "go" }):commit()
            local claims = aikit.workflow { id = "claims" }:step { id = "s", handler = function(input, context)
                local ok, e = pcall(aikit.start, input.of, {}, { id = input.id or context.run_id })
                return { ok = ok, code = not ok and type(e) == "table" and e.code or nil,
                  message = not ok and e.message or nil }
              end }:commit()
            return { victim, claims }
            """

        @Test(arguments: [[], ["--isolate"]])
        func `a run that another one only claims to start is left alone`(way: [String]) throws {
            let program = try Program(["claims.lua": Self.claims])
            defer { program.remove() }
            _ = try program.run("run", "claims.lua", "--workflow", "victim", "--run-id", "v", "--detach")
            let run = try program.run(
                ["run", "claims.lua", "--workflow", "claims", "--input", #"{"of":"victim","id":"v"}"#] + way)
            #expect(run.status == 0 && run.output.contains("id_taken"), "\(run.output) \(run.errors)")
            // Nor may it take the id under which that one would go on.
            let next = try program.run(
                ["run", "claims.lua", "--workflow", "claims", "--input", #"{"of":"victim","id":"v~2"}"#] + way)
            #expect(next.status == 0 && next.output.contains("invalid_argument"), "\(next.output) \(next.errors)")
            let own = try program.run("run", "claims.lua", "--workflow", "claims", "--run-id", "v~2")
            #expect(own.status == 2 && own.errors.contains("--run-id cannot have a '~'"), "\(own.errors)")
            #expect(try program.run("runs", "show", "v").output.contains("waiting"))
            #expect(try program.run("signal", "v", "go").status == 0)
        }

        /// Two scripts that both have a workflow `kid`, of which only the first one's can be live.
        private static func rivals(_ name: String, of folder: String) -> String {
            """
            local aikit = require "aikit"
            local kid = aikit.workflow { id = "kid" }:step { id = "s", handler = function() return "\(folder)" end }:commit()
            local parent = aikit.workflow { id = "\(name)" }
              :step { id = "value", handler = function() return aikit.start(kid, {}, { wait = true }) end }
              :step { id = "id", handler = function(own)
                  return { own, aikit.start("kid", {}, { wait = true }) }
                end }:commit()
            return { kid, parent }
            """
        }

        @Test(arguments: [[], ["--isolate"]])
        func `a workflow that is given to aikit.start is the one of the script, another's id or not`(
            way: [String]
        ) async throws {
            let program = try Program(["a.lua": Self.rivals("first", of: "a"), "b.lua": Self.rivals("second", of: "b")])
            defer { program.remove() }
            let server = try ServeTests.Server(program, way)
            let first = try await server.ask("POST", "/api/workflows/first/run", ["inputData": [:]])
            #expect(first.json["result"] == ["a", "a"], "\(first.json)")
            let second = try await server.ask("POST", "/api/workflows/second/run", ["inputData": [:]])
            #expect(second.json["result"] == ["b", "a"], "\(second.json)")
            // A new version of the script is the one whose workflow is started.
            try program.write(Self.rivals("second", of: "c"), to: "b.lua")
            #expect(server.running.hear("version 2 of b.lua is live"))
            let third = try await server.ask("POST", "/api/workflows/second/run", ["inputData": [:]])
            #expect(third.json["result"] == ["c", "a"], "\(third.json)")
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test(arguments: ways)
        func `a run that claims to start itself ends`(store: [String]) throws {
            let program = try Program(["claims.lua": Self.claims])
            defer { program.remove() }
            let run = try program.run(
                ["run", "claims.lua", "--workflow", "claims", "--timeout", "20s", "--input", #"{"of":"claims"}"#]
                    + store)
            #expect(run.status == 0 && run.output.contains("id_taken"), "\(run.output) \(run.errors)")
            #expect(run.output.contains("cannot start a run of its own id"), "\(run.output)")
        }

        @Test func `runs may be started beside each other`() throws {
            let program = try program()
            defer { program.remove() }
            let run = try run(program, "beside", "{}")
            #expect(run.status == 0, "\(run.errors)")
            let words = run.output.split(whereSeparator: { "[]\", \n".contains($0) }).map(String.init)
            #expect(words == ["1", "2", "3"])
        }

        @Test func `what decides on the way of a run starts no others, and says why`() throws {
            let program = try program()
            defer { program.remove() }
            let run = try run(program, "elsewhere", "{}")
            #expect(run.errors.contains("runs start others in handlers of steps only, not in `resolve`"))
            #expect(run.errors.contains("a run restarts in handlers of steps only, not in `resolve`"))
        }

        @Test func `a workflow that is not there is named`() throws {
            let program = try program()
            defer { program.remove() }
            let odd = try run(program, "odd", "{}")
            #expect(odd.status == 1)
            #expect(odd.errors.contains("there is no workflow 'wrok' to start; did you mean 'work'?"))
        }

        @Test(arguments: [[], ["--store", "memory"], ["--isolate"]])
        func `what a run has started has stopped and is undone before the run's own steps are`(way: [String]) throws {
            let program = try Program([
                "trip.lua": """
                local aikit = require "aikit"
                local function undo(output) print("undoes " .. output.what) end
                local hotel = aikit.workflow { id = "hotel", on_cancel = function() print("hotel is cancelled") end }
                  :step { id = "book", handler = function() return { what = "hotel" } end, compensate = undo }
                  :wait_for { id = "paid", event = "paid" }
                  :commit()
                local trip = aikit.workflow { id = "trip", on_failure = function() print("trip has failed") end }
                  :step { id = "car", handler = function() return { what = "car" } end, compensate = undo }
                  :step { id = "start", compensate = undo, handler = function()
                    aikit.start(hotel, {}, { id = "h" })
                    aikit.sleep "300ms"
                    return { what = "start" }
                  end }
                  :step { id = "fail", handler = function() error("no flight", 0) end }
                  :commit()
                return { trip, hotel }
                """
            ])
            defer { program.remove() }
            let trip = try program.run(["run", "trip.lua", "--workflow", "trip", "--run-id", "t"] + way)
            #expect(trip.status == 1)
            let said = (trip.errors + trip.output).split(separator: "\n").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let order = ["undoes hotel", "hotel is cancelled", "undoes start", "undoes car", "trip has failed"]
            #expect(said.filter(order.contains) == order, "\(trip.errors)")
        }
    }
}
