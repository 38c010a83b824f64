import Foundation
import Platform
import Testing

private let nap = """
    local aikit = require "aikit"
    return aikit.workflow { id = "nap" }
      :step { id = "first", handler = function(input) return input end }
      :step { id = "sleep", handler = function(input)
        print "sleeps"
        aikit.sleep(input.seconds or 30)
        return "rested"
      end }
      :step { id = "last", handler = function(text) print "last runs" return text end }
      :commit()
    """

private let month = """
    local aikit = require "aikit"
    return aikit.workflow { id = "month" }
      :wait_for { id = "go", event = "go" }
      :step { id = "before", handler = function() return 1 end }
      :delay { id = "pause", duration = "30d" }
      :step { id = "after", handler = function(n) return n end }
      :commit()
    """

private let delay = month.replacing(#/ +:wait_for.*\n/#, with: "")

private let ask = """
    local aikit = require "aikit"
    return aikit.workflow { id = "ask" }
      :human { id = "judge", input = function(a) return a.form { fields = { a.text { id = "why", label = "Why" } } } end }
      :commit()
    """

extension CommandLine {
    /// What ends a process leaves a stored run to be gone on with.
    struct StopTests {
        private func status(_ program: Program, _ id: String) throws -> String {
            let outcome = try program.run("runs", "show", id, "--json")
            let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
            return object?["status"] as? String ?? outcome.errors
        }

        @Test(arguments: [(SIGTERM, 143), (SIGINT, 130), (SIGHUP, 129)] as [(Int32, Int32)])
        func `a signal lets a stored run go, and it goes on elsewhere`(signal: Int32, status: Int32) throws {
            let program = try Program(["nap.lua": nap])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "nap.lua", "--run-id", "r", "--input", #"{"seconds":2.5}"#)
            #expect(run.hear("sleeps"))
            run.send(signal)
            let stopped = run.finish()
            #expect(stopped.status == status)
            #expect(stopped.errors.contains("aikit-lua runs recover r"))
            #expect(try self.status(program, "r") == "running")
            let recovered = try program.run("runs", "recover", "r")
            #expect(recovered.status == 0)
            #expect(try self.status(program, "r") == "success")
        }

        @Test func `a terminal that is closed lets its run go`() throws {
            let program = try Program(["nap.lua": nap])
            defer { program.remove() }
            let terminal = try Terminal(program, "run", "nap.lua", "--run-id", "r", "--input", #"{"seconds":1}"#)
            try terminal.wait(for: "sleeps")
            try terminal.close()
            #expect(terminal.finish().status == 129)
            #expect(try status(program, "r") == "running")
            #expect(try program.run("runs", "recover", "r").status == 0)
        }

        @Test func `what ends in the moment of grace does not run again`() throws {
            let program = try Program(["nap.lua": nap])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "nap.lua", "--run-id", "r", "--input", #"{"seconds":0.6}"#)
            #expect(run.hear("sleeps"))
            run.send(SIGTERM)
            let stopped = run.finish()
            #expect(stopped.status == 143)
            #expect(!stopped.errors.contains("last runs"))
            let again = try program.run("run", "nap.lua", "--run-id", "r")
            #expect(again.output == "\"rested\"\n")
            #expect(!again.errors.contains("sleeps"))
        }

        @Test func `a second Ctrl-C cancels the run`() throws {
            let program = try Program(["nap.lua": nap])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "nap.lua", "--run-id", "r", "--input", "{}")
            #expect(run.hear("sleeps"))
            run.send(SIGINT)
            #expect(run.hear("a second Ctrl-C cancels the run"))
            run.send(SIGINT)
            #expect(run.finish().status == 130)
            #expect(try status(program, "r") == "cancelled")
        }

        @Test func `a timeout lets a stored run go, and cancels it if asked`() throws {
            let program = try Program(["nap.lua": nap])
            defer { program.remove() }
            let kept = try program.run("run", "nap.lua", "--run-id", "k", "--input", "{}", "--timeout", "300ms")
            #expect(kept.status == 3)
            #expect(kept.errors.contains("aikit-lua runs recover k"))
            #expect(try status(program, "k") == "running")
            let ended = try program.run(
                "run", "nap.lua", "--run-id", "c", "--input", "{}", "--timeout", "300ms", "--cancel-on-timeout")
            #expect(ended.status == 1)
            #expect(try status(program, "c") == "cancelled")
            let recovered = try program.run("runs", "recover", "--timeout", "300ms")
            #expect(recovered.status == 3)
            #expect(try status(program, "k") == "running")
        }

        @Test func `a run of which nothing is in the store yet is told of as one that did not begin`() throws {
            let program = try Program([
                "keyed.lua": """
                local function key() local start = os.clock() while os.clock() - start < 3 do end return "k" end
                return require "aikit".workflow { id = "keyed", concurrency = { limit = 1, key = key } }
                  :step { id = "s", handler = function() return 1 end }:commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("run", "keyed.lua", "--run-id", "k", "--timeout", "500ms")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("before the run began"), "\(outcome.errors)")
            #expect(!outcome.errors.contains("runs recover"), "\(outcome.errors)")
        }

        @Test func `being let go is no death of the process`() throws {
            let program = try Program(["nap.lua": nap])
            defer { program.remove() }
            for _ in 0..<4 {
                let kept = try program.run("run", "nap.lua", "--run-id", "k", "--input", "{}", "--timeout", "1s")
                #expect(kept.status == 3)
            }
            #expect(try program.run("runs", "events", "k").output.contains("poisoned") == false)
            #expect(try status(program, "k") == "running")
        }

        @Test func `a run with a long delay needs no process`() throws {
            let program = try Program(["delay.lua": delay, "month.lua": month])
            defer { program.remove() }
            for arguments in [[], ["--detach"], ["--wait", "1h"]] {
                let outcome = try program.run(["run", "delay.lua"] + arguments)
                #expect(outcome.status == 3)
                #expect(outcome.errors.contains("month waits until 20"))
                #expect(outcome.errors.contains("aikit-lua runs recover "))
            }
            #expect(try program.run("run", "month.lua", "--run-id", "order-17").status == 3)
            let signalled = try program.run("signal", "order", "go", "--detach")
            #expect(signalled.status == 3)
            #expect(signalled.errors.contains("month waits until 20"))
            let list = try program.run("runs", "list")
            #expect(list.output.contains("until 20"))
            #expect(try program.run("runs", "recover").errors == "no runs to recover\n")
            for wrong in [["--detach", "--store", "memory"], ["--wait", "1s", "--detach"], ["--wait", "long"]] {
                #expect(try program.run(["run", "delay.lua"] + wrong).status == 2)
            }
        }

        @Test func `an id stands for one input and one workflow`() throws {
            let program = try Program(["nap.lua": nap, "other.lua": nap.replacing("30", with: "31")])
            defer { program.remove() }
            func run(_ script: String, _ input: String) throws -> Program.Outcome {
                try program.run("run", script, "--run-id", "r", "--input", input)
            }
            #expect(try run("nap.lua", #"{"seconds":0,"a":1}"#).status == 0)
            #expect(try run("nap.lua", #"{"a":1,"seconds":0}"#).status == 0)
            let input = try run("nap.lua", #"{"seconds":0,"a":2}"#)
            #expect(input.status == 2)
            #expect(input.errors.contains("run 'r' began with another input"))
            #expect(input.errors.contains(#"now:  {"a":2,"seconds":0}"#))
            let code = try run("other.lua", #"{"seconds":0,"a":1}"#)
            #expect(code.status == 2)
            #expect(code.errors.contains("of nap.lua, whose code is not that of other.lua"))
            try program.write(nap.replacing("30", with: "31"), to: "nap.lua")
            #expect(try run("nap.lua", #"{"seconds":0,"a":1}"#).status == 0)
        }

        @Test func `the input of an id is compared before its schema has changed it`() throws {
            let script = """
                local aikit = require "aikit"
                local s = aikit.schema
                return aikit.workflow { id = "w", input_schema = s.object { n = s.integer():default(3) } }
                  :step { id = "x", handler = function(i) return i end }:commit()
                """
            let program = try Program(["w.lua": script])
            defer { program.remove() }
            for (input, status) in [("{}", 0), ("{}", 0), (#"{"n":3}"#, 0), (#"{"n":4}"#, 2)] as [(String, Int32)] {
                #expect(try program.run("run", "w.lua", "--run-id", "r", "--input", input).status == status)
            }
        }

        @Test func `a run whose process was killed shows it, and the way to go on`() throws {
            let program = try Program(["nap.lua": nap])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "nap.lua", "--run-id", "r", "--input", "{}")
            #expect(run.hear("sleeps"))
            let alive = try program.run("runs", "list")
            #expect(alive.output.contains("running") && !alive.output.contains("gone"))
            run.crash()
            let list = try program.run("runs", "list")
            #expect(list.output.contains("running (process gone)"))
            #expect(list.errors.contains("aikit-lua runs recover"))
            let show = try program.run("runs", "show", "r")
            #expect(show.output.contains("running (process gone)"))
            #expect(show.output.contains("  Go on with:\n  aikit-lua runs recover r\n"))
        }

        @Test func `at a form Ctrl-D answers later, and Ctrl-C leaves the run waiting`() throws {
            let program = try Program(["ask.lua": ask])
            defer { program.remove() }
            let later = try Terminal(program, "run", "ask.lua", "--run-id", "a")
            try later.wait(for: "Ctrl-D answers later")
            try later.wait(for: "Why")
            later.type("\u{4}")
            try later.wait(for: "aikit-lua resume a")
            #expect(later.finish().status == 3)
            let interrupted = try Terminal(program, "run", "ask.lua", "--run-id", "b")
            try interrupted.wait(for: "Why")
            interrupted.interrupt()
            try interrupted.wait(for: "aikit-lua resume b")
            #expect(interrupted.finish().status == 130)
            #expect(try status(program, "b") == "waiting_human")
        }
    }
}
