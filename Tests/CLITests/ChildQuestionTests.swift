import Foundation
import Platform
import Testing

private let family = """
    local aikit = require "aikit"
    local s = aikit.schema
    local ask = aikit.workflow { id = "ask" }
      :human { id = "judge", response_schema = s.object { ok = s.boolean() } }
      :step { id = "take", handler = function(answer) return { ok = answer.ok } end }
      :commit()
    local hear = aikit.workflow { id = "hear" }:wait_for { id = "go", event = "go" }:commit()
    local middle = aikit.workflow { id = "middle" }
      :step { id = "pass", handler = function() return aikit.start("ask", {}, { id = "deep", wait = true }) end }
      :commit()
    local function parent(id, child, name)
      return aikit.workflow { id = id }
        :step { id = "start", handler = function()
          print "starts"
          return { answer = aikit.start(child, {}, { id = name, wait = true }) }
        end }
        :commit()
    end
    local busy = aikit.workflow { id = "busy" }
      :parallel { id = "both", branches = {
          start = { aikit.step { id = "start", handler = function()
            return aikit.start("ask", {}, { id = "c3", wait = true })
          end } },
          work = { aikit.step { id = "work", handler = function() aikit.sleep(1.5) print "worked" return 1 end } },
        } }
      :commit()
    return { parent("outer", "ask", "c1"), parent("listener", "hear", "c2"), parent("top", "middle", "m"), busy, ask,
      hear, middle }
    """

extension CommandLine {
    /// A run that waits for another one, which waits for somebody.
    struct ChildQuestionTests {
        @Test(arguments: [[], ["--isolate"]])
        func `it is told what the other run asks, and both go on after the answer`(_ options: [String]) throws {
            let program = try Program(["f.lua": family])
            defer { program.remove() }
            let run = try program.run(["run", "f.lua", "--workflow", "outer", "--run-id", "p"] + options)
            #expect(run.status == 3, "\(run.errors)")
            #expect(run.output.isEmpty)
            #expect(run.errors.contains("outer waits for run c1\n"), "\(run.errors)")
            #expect(run.errors.contains("ask waits for a person at 'judge'\n"))
            #expect(run.errors.contains("\n  aikit-lua resume c1 --data '{\"ok\":true}'\n"))
            #expect(run.errors.contains("\n  aikit-lua runs recover p\n"))
            // Before the answer there is nothing to do for it.
            let early = try program.run("runs", "recover", "p")
            #expect(early.status == 3, "\(early.errors)")
            #expect(early.errors.contains("it waits for run c1, which waits for somebody"), "\(early.errors)")
            #expect(try program.run("resume", "c1", "--data", #"{"ok":true}"#).status == 0)
            let recovered = try program.run("runs", "recover", "p")
            #expect(recovered.status == 0, "\(recovered.errors)")
            let again = try program.run(["run", "f.lua", "--workflow", "outer", "--run-id", "p"])
            #expect(again.status == 0 && again.output.contains(#""ok": true"#), "\(again.errors)")
        }

        @Test func `an event and a run over another one are told alike`() throws {
            let program = try Program(["f.lua": family])
            defer { program.remove() }
            let event = try program.run("run", "f.lua", "--workflow", "listener", "--run-id", "l")
            #expect(event.status == 3, "\(event.errors)")
            #expect(event.errors.contains("aikit-lua signal c2 go\n"), "\(event.errors)")
            let deep = try program.run("run", "f.lua", "--workflow", "top", "--run-id", "t")
            #expect(deep.status == 3, "\(deep.errors)")
            #expect(deep.errors.contains("top waits for run deep\n"), "\(deep.errors)")
            #expect(deep.errors.contains("aikit-lua resume deep --data"))
        }

        @Test func `what is under way beside it comes to its end first`() throws {
            let program = try Program(["f.lua": family])
            defer { program.remove() }
            let run = try program.run("run", "f.lua", "--workflow", "busy", "--run-id", "b")
            #expect(run.status == 3, "\(run.errors)")
            let worked = try #require(run.errors.firstRange(of: "worked"), "\(run.errors)")
            let told = try #require(run.errors.firstRange(of: "busy waits for run c3"), "\(run.errors)")
            #expect(worked.lowerBound < told.lowerBound)
        }

        @Test(arguments: [[], ["--isolate"]])
        func `in memory it ends with the words of a question in memory`(_ options: [String]) throws {
            let program = try Program(["f.lua": family])
            defer { program.remove() }
            let run = try program.run(["run", "f.lua", "--workflow", "outer", "--store", "memory"] + options)
            #expect(run.status == 3, "\(run.errors)")
            #expect(run.errors.contains("outer waits for run c1\n"), "\(run.errors)")
            #expect(
                run.errors.contains("  It was kept in memory only and ends here. In a store it would go on with:\n"))
            #expect(!run.errors.contains("runs recover"))
        }

        @Test(arguments: [["--store", "memory"], ["--run-id", "p"], ["--store", "memory", "--isolate"]])
        func `on a terminal it is asked there`(_ options: [String]) throws {
            let program = try Program(["f.lua": family])
            defer { program.remove() }
            let terminal = try Terminal(program, ["run", "f.lua", "--workflow", "outer"] + options)
            try terminal.wait(for: "judge of run c1")
            terminal.type("y\n")
            try terminal.wait(for: "outer succeeded")
            let outcome = terminal.finish()
            #expect(outcome.status == 0)
            #expect(outcome.output.contains(#""ok": true"#), "\(outcome.output)")
        }

        @Test func `who answers later on a terminal is told how`() throws {
            let program = try Program(["f.lua": family])
            defer { program.remove() }
            let terminal = try Terminal(program, ["run", "f.lua", "--workflow", "outer", "--run-id", "p"])
            try terminal.wait(for: "judge of run c1")
            terminal.type("\u{4}")
            try terminal.wait(for: "aikit-lua runs recover p")
            #expect(terminal.finish().status == 3)
        }
    }
}
