import Foundation
import Testing

extension CommandLine {
    struct RunsTests {
        static let order = """
            local aikit = require "aikit"
            return aikit.workflow { id = "order" }
              :step { id = "price", handler = function(order, context)
                context.store.seen = order.n
                return { total = order.n * 2 }
              end }
              :foreach { id = "items", items = function() return { { k = 1 }, { k = 2 } } end,
                step = { { id = "double", handler = function(item) return { k = item.k * 2 } end } } }
              :step { id = "send", handler = function(items, context)
                if context.initial_input.n > 5 then error("too many") end
                return { items = #items, seen = context.store.seen }
              end }
              :commit()
            """

        static let approval = """
            local aikit = require "aikit"
            return aikit.workflow { id = "approval" }
              :human { id = "judge", input = function(ask) return ask.form { fields = { ask.text { id = "why", label = "Why" } } } end }
              :commit()
            """

        /// A folder with a store of three runs: `good` succeeded, `poor` failed, `open` waits for a person.
        func program() throws -> Program {
            let program = try Program(["order.lua": Self.order, "approval.lua": Self.approval])
            _ = try program.run("run", "order.lua", "--store", "r.db", "--run-id", "good", "--input", #"{"n":1}"#)
            _ = try program.run("run", "order.lua", "--store", "r.db", "--run-id", "poor", "--input", #"{"n":9}"#)
            _ = try program.run("run", "approval.lua", "--store", "r.db", "--run-id", "open")
            return program
        }

        func runs(_ program: Program, _ arguments: String...) throws -> Program.Outcome {
            try program.run(["runs", arguments[0]] + arguments.dropFirst() + ["--store", "r.db"])
        }

        func json(_ outcome: Program.Outcome) throws -> Any {
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8), options: .fragmentsAllowed)
        }

        // MARK: Looking

        @Test func `runs are found by the tags of their workflow, their start and their handlers`() throws {
            let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "tagged", tags = function(input) return { region = input.region } end }
                  :step { id = "price", handler = function(input, context)
                    context:set_tags { priced = true, total = input.total }
                    return context:get_tags()
                  end }
                  :commit()
                """
            let program = try Program(["tagged.lua": script])
            defer { program.remove() }
            for (id, region, total) in [("a", "eu", 3), ("b", "no", 4)] {
                let input = #"{"region":"\#(region)","total":\#(total)}"#
                let run = try program.run(
                    "run", "tagged.lua", "--store", "r.db", "--run-id", id, "--input", input, "--tag", "customer=7",
                    "--tag=note=\(id) b")
                #expect(run.status == 0)
                #expect(run.output.contains(#""total": \#(total)"#) && run.output.contains(#""customer": 7"#))
            }
            func ids(_ tags: String...) throws -> [String] {
                let words = ["runs", "list", "--json", "--store", "r.db"] + tags.flatMap { ["--tag", $0] }
                let list = try json(program.run(words)) as? [[String: Any]]
                return list?.compactMap { $0["runId"] as? String } ?? []
            }
            #expect(try ids("priced=true") == ["b", "a"])
            #expect(try ids("priced=true", "region=eu") == ["a"])
            #expect(try ids("total=4", "customer=7") == ["b"])
            #expect(try ids("note=a b") == ["a"])
            #expect(try ids("region=us") == [])
            let shown = try runs(program, "show", "a").output
            #expect(shown.contains("tags     customer=7  note=a b  priced=true  region=eu  total=3"))
            for tag in ["region", "a b=1", "=1"] {
                #expect(try runs(program, "list", "--tag", tag).status == 2)
                #expect(try program.run("run", "tagged.lua", "--tag", tag).status == 2)
            }
            #expect(try program.run("run", "tagged.lua", "--tag", "a=1", "--tag", "a=2").status == 2)
        }

        @Test func `runs are listed as a table and as JSON, the newest first`() throws {
            let program = try program()
            defer { program.remove() }
            let table = try runs(program, "list")
            #expect(table.status == 0)
            let lines = table.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(lines[0] == ["RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", "WHAT"])
            #expect(
                lines.dropFirst().map { Array($0[..<3]) } == [
                    ["open", "approval", "waiting_human"], ["poor", "order", "failed"], ["good", "order", "success"],
                ])
            let list = try #require(try json(runs(program, "list", "--json")) as? [[String: Any]])
            #expect(list.map { $0["runId"] as? String } == ["open", "poor", "good"])
            #expect(list.allSatisfy { $0["startedAt"] is Int && ($0["generation"] as? String)?.count == 64 })
        }

        @Test func `a list is filtered by workflow, status and time`() throws {
            let program = try program()
            defer { program.remove() }
            func ids(_ arguments: String...) throws -> [String] {
                let outcome = try program.run(["runs", "list", "--json", "--store", "r.db"] + arguments)
                return try #require(try json(outcome) as? [[String: Any]]).compactMap { $0["runId"] as? String }
            }
            #expect(try ids("--workflow", "order") == ["poor", "good"])
            #expect(try ids("--status", "failed,waiting_human") == ["open", "poor"])
            #expect(try ids("--limit", "1") == ["open"])
            #expect(try ids("--since", "1h").count == 3)
            #expect(try ids("--until", "1h") == [])
            #expect(try ids("--since", "2020-01-01T00:00Z", "--until", "2020-12-31") == [])
            for (arguments, words) in [
                (["--status", "failled"], "did you mean 'failed'?"), (["--since", "soon"], "--since takes a duration"),
                (["--limit", "0"], "--limit takes"),
            ] {
                let wrong = try program.run(["runs", "list", "--store", "r.db"] + arguments)
                #expect(wrong.status == 2)
                #expect(wrong.errors.contains(words))
            }
        }

        @Test func `a run is shown with its steps, its error and its code`() throws {
            let program = try program()
            defer { program.remove() }
            let shown = try runs(program, "show", "poor")
            #expect(shown.status == 0)
            for words in [
                "✗ poor, workflow order: failed", "order.lua, unchanged since", "✓ items[2]/double",
                #"in  {"k":2}"#, #"out {"k":4}"#, "✗ send", "order.lua:10: error: too many", "10 |",
            ] {
                #expect(shown.output.contains(words), "\(words)")
            }
            try program.write("-- changed\n" + Self.order, to: "order.lua")
            #expect(try runs(program, "show", "poor").output.contains("order.lua has changed since"))
            let value = try #require(try json(runs(program, "show", "poor", "--json")) as? [String: Any])
            #expect(value["runId"] as? String == "poor")
            #expect(value["status"] as? String == "failed")
            #expect((value["generation"] as? [String: Any])?["changed"] as? Bool == true)
            #expect((value["steps"] as? [String: Any])?["double"] as? [Any] != nil)
        }

        @Test func `a waiting run is shown with the command that answers it`() throws {
            let program = try program()
            defer { program.remove() }
            let shown = try runs(program, "show", "op")
            #expect(shown.output.contains("aikit-lua resume open --data '{\"why\":\"…\"}' --store r.db"))
            let value = try #require(try json(runs(program, "show", "open", "--json")) as? [String: Any])
            let waits = try #require(value["waits"] as? [[String: Any]])
            #expect(waits.map { $0["path"] as? String } == ["judge"])
        }

        @Test func `a run that is not there is named, with what is near`() throws {
            let program = try program()
            defer { program.remove() }
            _ = try program.run("run", "order.lua", "--store", "r.db", "--run-id", "good-2", "--input", #"{"n":1}"#)
            #expect(try runs(program, "show", "good").status == 0)
            for (id, words) in [
                ("goood", "did you mean 'good'?"), ("go", "2 runs begin with 'go'"),
                ("zzzzzz", "there is no run 'zzzzzz'"),
            ] {
                let wrong = try runs(program, "show", id)
                #expect(wrong.status == 2)
                #expect(wrong.output == "")
                #expect(wrong.errors.contains(words), "\(wrong.errors)")
            }
        }

        @Test func `the events of a run are those that its process printed`() throws {
            let program = try Program(["order.lua": Self.order])
            defer { program.remove() }
            let live = try program.run(
                "run", "order.lua", "--store", "r.db", "--run-id", "r", "--events", "--input", #"{"n":1}"#)
            let later = try runs(program, "events", "r")
            #expect(later.status == 0)
            #expect(later.output.split(separator: "\n") == live.output.split(separator: "\n").dropLast())
            #expect(try runs(program, "events", "r", "--follow").output == later.output)
        }

        @Test func `events are followed along the runs that go on in each other's place, as the run showed them`()
            throws
        {
            let count = """
                return require("aikit").workflow { id = "count" }
                  :step { id = "a", handler = function(input, context)
                    if input.n < 3 then context:restart { n = input.n + 1 } end
                    return input
                  end }
                  :commit()
                """
            let program = try Program(["count.lua": count])
            defer { program.remove() }
            let first = try program.run(
                "run", "count.lua", "--store", "r.db", "--run-id", "c", "--events", "--input", #"{"n":1}"#)
            #expect(first.status == 0)
            let followed = try runs(program, "events", "c", "--follow").output
            #expect(followed.split(separator: "\n") == first.output.split(separator: "\n").dropLast())
            #expect(followed.contains(#""runId":"c~3""#))
            #expect(try runs(program, "events", "c").output.contains("c~2\"") == true)
            #expect(try !runs(program, "events", "c").output.contains(#""runId":"c~2""#))
        }

        @Test func `events are followed until the run is over, whoever ends it`() throws {
            let program = try program()
            defer { program.remove() }
            let follower = program.process(["runs", "events", "open", "--follow", "--store", "r.db"])
            let output = Pipe()
            follower.standardOutput = output
            try follower.run()
            let reader = Reader(output.fileHandleForReading)
            #expect(try program.run("resume", "open", "--store", "r.db", "--data", #"{"why":"so"}"#).status == 0)
            let lines = String(decoding: reader.wait(), as: UTF8.self).split(separator: "\n")
            follower.waitUntilExit()
            #expect(follower.terminationStatus == 0)
            #expect(lines.first?.contains("workflow:start") == true)
            #expect(lines.last?.contains("workflow:success") == true)
        }

        // MARK: Steering

        @Test func `a waiting run is cancelled in the store, once`() throws {
            let program = try program()
            defer { program.remove() }
            let cancelled = try runs(program, "cancel", "open", "--reason", "not needed")
            #expect(cancelled.status == 0)
            let events = try runs(program, "events", "open").output.split(separator: "\n")
            #expect(events.suffix(2).first?.contains("step:cancelled") == true)
            #expect(events.last?.contains(#""data":{"reason":"not needed"}"#) == true)
            #expect(events.last?.contains("workflow:cancelled") == true)
            let again = try runs(program, "cancel", "open")
            #expect(again.status == 2)
            #expect(again.errors.contains("is over (cancelled)"))
            #expect(try program.run("resume", "open", "--store", "r.db", "--data", "{}").status == 2)
        }

        @Test func `several runs are cancelled at once, and one that cannot be keeps no other`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:wait_for { id = "e", event = "e" }:commit()
                """
            ])
            defer { program.remove() }
            for id in ["r1", "r2"] { _ = try program.run("run", "w.lua", "--run-id", id, "--wait", "0s") }
            let cancelled = try program.run("runs", "cancel", "r1", "none", "r2")
            #expect(cancelled.status == 2)
            #expect(cancelled.errors.contains("run r1 was cancelled"))
            #expect(cancelled.errors.contains("run r2 was cancelled"))
            #expect(cancelled.errors.contains("none"))
        }

        @Test func `runs that are over are pruned, and others never`() throws {
            let program = try program()
            defer { program.remove() }
            #expect(try runs(program, "prune", "--older-than", "1d").errors.hasPrefix("removed 0 runs"))
            #expect(try runs(program, "prune", "--dry-run", "--keep", "1").errors.hasPrefix("would remove 1 run,"))
            #expect(try runs(program, "prune", "--status", "waiting_human").status == 2)
            #expect(try runs(program, "prune", "--keep", "1").errors.hasPrefix("removed 1 run,"))
            #expect(try runs(program, "show", "good").status == 2)
            #expect(try runs(program, "prune").errors.hasPrefix("removed 1 run,"))
            let list = try #require(try json(runs(program, "list", "--json")) as? [[String: Any]])
            #expect(list.map { $0["runId"] as? String } == ["open"])
        }

        @Test func `a run whose process was killed is recovered, and what had ended is not run again`() throws {
            let program = try Program([
                "slow.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "slow" }
                  :step { id = "quick", handler = function() return { n = 1 } end }
                  :step { id = "slow", handler = function(x) aikit.sleep "700ms" return x end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let process = program.process(["run", "slow.lua", "--store", "r.db", "--run-id", "r", "--events"])
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            var text = ""
            while !text.contains(#""path":"slow""#) {
                let data = output.fileHandleForReading.availableData
                if data.isEmpty { break }
                text += String(decoding: data, as: UTF8.self)
            }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()

            let recovered = try runs(program, "recover", "--json")
            #expect(recovered.status == 0, "\(recovered.errors)")
            let findings = try #require(try json(recovered) as? [[String: Any]])
            #expect(findings.map { $0["status"] as? String } == ["success"])
            let events = try runs(program, "events", "r").output
            #expect(events.split(separator: "\n").count { $0.contains("step:start") && $0.contains("quick") } == 1)
            #expect(try runs(program, "recover").errors == "no runs to recover\n")
        }

        @Test(arguments: ["mermaid", "dot", "svg", "json"])
        func `a graph shows what became of each node in a run`(format: String) throws {
            let program = try program()
            defer { program.remove() }
            let graph = try program.run("graph", "--run", "poor", "--format", format, "--store", "r.db")
            #expect(graph.status == 0)
            let plain = try program.run("graph", "order.lua", "--format", format)
            let marks = ["mermaid": "class n4 failed", "json": "\"status\": \"failed\""][format] ?? "#fee2e2"
            #expect(graph.output.contains(marks))
            #expect(!plain.output.contains(marks))
        }
    }
}
