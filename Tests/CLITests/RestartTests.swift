import Foundation
import Platform
import Testing

extension CommandLine {
    struct RestartTests {
        private static let script = """
            local aikit = require "aikit"
            return aikit.workflow { id = "count", metadata = { first = 1 } }
              :step { id = "count", handler = function(input, context)
                print("counts " .. input.n)
                aikit.sleep(input.seconds or 0)
                context:set_tags { n = input.n }
                if input.n < input.stop then
                  pcall(context.restart, context, { n = input.n + 1, stop = input.stop, seconds = input.seconds })
                  error("it goes on")
                end
                return { n = input.n, metadata = context:get_metadata(), tags = context:get_tags() }
              end }
              :commit()
            """

        @Test(arguments: ["count.db", "memory"], [[], ["--isolate"], ["--isolate=run"]])
        func `run goes along from one run to the next`(store: String, way: [String]) throws {
            let program = try Program(["count.lua": Self.script])
            defer { program.remove() }
            let end = try program.run(
                ["run", "count.lua", "--run-id", "c", "--store", store, "--input", #"{"n":1,"stop":4}"#] + way)
            #expect(end.status == 0, "\(end.errors)")
            #expect(end.output.contains(#""n": 4"#) && end.output.contains(#""first": 1"#))
            #expect(end.errors.contains("run c goes on as c~2") && end.errors.contains("run c~3 goes on as c~4"))
            guard store != "memory" else { return }
            let first = try program.run("runs", "show", "c", "--store", store).output
            #expect(first.contains("goes on  as run c~2"))
            let last = try program.run("runs", "show", "c~4", "--store", store).output
            #expect(last.contains("from     c~3, restarted") && last.contains("tags     n=4"))
            let events = try program.run("runs", "events", "c", "--store", store).output
            #expect(events.contains(#""type":"workflow:restart""#) && events.contains(#""run":"c~2""#))
        }

        /// Where a run is, and what it has told, must not depend on how long each run of a chain takes.
        @Test(arguments: ["count.db", "memory"], [[], ["--isolate"]])
        func `all events of a chain are told in order`(store: String, way: [String]) throws {
            let program = try Program(["count.lua": Self.script])
            defer { program.remove() }
            for seconds in ["0", "0.02"] {
                let end = try program.run(
                    ["run", "count.lua", "--run-id", "c\(seconds)", "--store", store, "--events", "--input"]
                        + [#"{"n":1,"stop":5,"seconds":\#(seconds)}"#] + way)
                #expect(end.status == 0, "\(end.errors)")
                var told: [String: [String]] = [:]
                var order: [String] = []
                for line in end.output.split(separator: "\n") {
                    guard let run = line.firstMatch(of: /"workflowRunId":"([^"]*)"|"runId":"([^"]*)"/),
                        let type = line.firstMatch(of: /"type":"([^"]*)"/)
                    else { continue }
                    let id = String(run.1 ?? run.2 ?? "")
                    told[id, default: []].append(String(type.1))
                    if order.last != id { order.append(id) }
                }
                #expect(order == ["c\(seconds)"] + (2...5).map { "c\(seconds)~\($0)" }, "\(end.output)")
                for (run, types) in told {
                    #expect(types.first == "workflow:start" && types.last == "workflow:success", "\(run): \(types)")
                }
            }
        }

        @Test(arguments: [SIGINT, SIGTERM], [[], ["--isolate"]])
        func `a chain in memory that has no end is cancelled by what stops the process`(
            signal: Int32, way: [String]
        ) throws {
            let program = try Program(["count.lua": Self.script])
            defer { program.remove() }
            let running = try RunningProgram(
                program,
                ["run", "count.lua", "--run-id", "c", "--store", "memory", "--input"]
                    + [#"{"n":1,"stop":100000,"seconds":0.3}"#] + way)
            #expect(running.hear("counts 3"))
            running.send(signal)
            #expect(running.finish().status == 128 + signal)
        }

        @Test func `a chain goes on after its process was killed, and no run of it is lost or there twice`() throws {
            let program = try Program(["count.lua": Self.script])
            defer { program.remove() }
            let running = try RunningProgram(
                program, "run", "count.lua", "--run-id", "c", "--input", #"{"n":1,"stop":40,"seconds":0.005}"#)
            #expect(running.hear("counts 5"))
            running.crash()
            for number in [12, 20] {
                let recovery = try RunningProgram(program, "runs", "recover")
                #expect(recovery.hear("counts \(number)"))
                recovery.crash()
            }
            #expect(try program.run("runs", "recover").status == 0)
            let list = try program.run("runs", "list", "--json").output
            let ids = list.matches(of: /"runId": "(c[~0-9]*)"/).map { String($0.1) }
            #expect(ids == (2...40).reversed().map { "c~\($0)" } + ["c"])
            #expect(try program.run("runs", "list", "--status", "success", "--json").output.contains(#""c~40""#))
            #expect(try program.run("runs", "list", "--status", "running,queued,failed,cancelled").output.isEmpty)
        }

        @Test(arguments: ["memory", "runs.db"]) func `what comes of a run of the longest id has room for its own`(
            store: String
        ) throws {
            let program = try Program([
                "long.lua": """
                local aikit = require "aikit"
                local leaf = aikit.workflow { id = "leaf" }:step { id = "s", handler = function() return "leaf" end }:commit()
                local chain = aikit.workflow { id = "chain" }
                  :step { id = "s", handler = function(n, context)
                      if n < 12 then return context:restart(n + 1) end
                      return aikit.start(leaf, {}, { wait = true })
                    end }
                  :commit()
                return { chain, leaf }
                """
            ])
            defer { program.remove() }
            let id = String(repeating: "i", count: 200)
            let outcome = try program.run(
                "run", "long.lua", "--workflow", "chain", "--store", store, "--run-id", id, "--input", "1")
            #expect(outcome.status == 0 && outcome.output == "\"leaf\"\n", "\(outcome.errors)")
            let longer = try program.run(
                "run", "long.lua", "--workflow", "leaf", "--store", store, "--run-id", id + "i", "--input", "1")
            #expect(longer.status == 2 && longer.errors.contains("1 to 200 bytes"), "\(longer.errors)")
        }
    }
}
