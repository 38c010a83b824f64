import Foundation
import Platform
import Testing

/// `slow` says when it runs and with which key, and takes long unless it is the second time.
private let steps = """
    local aikit = require "aikit"
    return aikit.workflow { id = "steps" }
      :step { id = "first", handler = function(input) print("first runs") return input end }
      :step { id = "slow", handler = function(input, context)
        print("slow runs " .. context.idempotency_key)
        if input.seconds > 0 then aikit.sleep(input.seconds) end
        return { done = true, attempt = context.attempt }
      end }
      :delay { id = "pause", duration = "0.2s" }
      :step { id = "last", handler = function(input) print("last runs") return input end }
      :commit()
    """

extension CommandLine {
    struct RecoveryTests {
        /// Starts a run and kills its process while `slow` runs.
        private func crash(_ program: Program, _ id: String, seconds: Double) throws -> String {
            let run = try RunningProgram(
                program, "run", "steps.lua", "--run-id", id, "--input", "{\"seconds\":\(seconds)}")
            #expect(run.hear("slow runs"))
            run.hear("\n")
            run.crash()
            return run.said
        }

        @Test func `a run goes on where its process was killed, and what had ended does not run again`() throws {
            let program = try Program(["steps.lua": steps])
            defer { program.remove() }
            let before = try crash(program, "r1", seconds: 1)
            #expect(before.contains("first runs"))
            let after = try program.run("run", "steps.lua", "--run-id", "r1")
            #expect(after.status == 0)
            #expect(after.output == "{\n  \"attempt\": 1,\n  \"done\": true\n}\n")
            #expect(!after.errors.contains("first runs"))
            #expect(after.errors.contains("slow runs r1/slow#1"))
            #expect(before.contains("slow runs r1/slow#1"))
            let again = try program.run("run", "steps.lua", "--run-id", "r1")
            #expect(again.status == 0)
            #expect(again.output == after.output)
            #expect(!again.errors.contains("runs r1"))
        }

        @Test(arguments: [[], ["--workflow", "steps"]])
        func `runs that wait in the queue of a process that is gone begin in their turn`(_ scope: [String]) throws {
            let limited = steps.replacingOccurrences(
                of: "id = \"steps\"", with: "id = \"steps\", concurrency = { limit = 1 }")
            let asking = """
                return require("aikit").workflow { id = "asking", concurrency = { limit = 1 } }
                  :wait_for { id = "go", event = "go" }:commit()
                """
            let program = try Program(["steps.lua": limited, "asking.lua": asking])
            defer { program.remove() }
            #expect(try program.run("run", "asking.lua", "--run-id", "held").status == 3)
            let first = try RunningProgram(program, "run", "steps.lua", "--run-id", "r1", "--input", #"{"seconds":30}"#)
            #expect(first.hear("slow runs"))
            var waiting: [RunningProgram] = []
            for (file, id) in [("steps", "r2"), ("steps", "r3"), ("asking", "left")] {
                let run = try RunningProgram(
                    program, "run", "\(file).lua", "--run-id", id, "--input", #"{"seconds":0}"#)
                #expect(run.hear("queued"), "\(run.said)")
                waiting.append(run)
            }
            for run in waiting { run.crash() }
            first.crash()
            _ = try program.run("runs", "cancel", "r1")
            let recovered = try program.run(["runs", "recover"] + scope)
            #expect(recovered.status == 0, "\(recovered.errors)")
            for id in ["r2", "r3"] {
                #expect(recovered.errors.contains("run \(id), workflow steps: success"), "\(recovered.errors)")
            }
            let left = "run left, workflow asking: queued: the workflow has 1 of 1 running\n"
            #expect(recovered.errors.contains(left) == scope.isEmpty, "\(recovered.errors)")
            let list = try program.run("runs", "list", "--status", "queued")
            #expect(list.output.contains("left") && !list.output.contains("r3"))
        }

        @Test func `a run begins nothing of other runs, unless it is told to`() throws {
            let program = try Program(["steps.lua": steps])
            defer { program.remove() }
            _ = try crash(program, "old", seconds: 30)
            let new = try program.run("run", "steps.lua", "--run-id", "new", "--input", #"{"seconds":0.3}"#)
            #expect(new.status == 0)
            #expect(!new.errors.contains("old"))
        }

        @Test func `with --recover an unfinished run of the same workflow goes on beside a new one`() throws {
            let program = try Program(["steps.lua": steps])
            defer { program.remove() }
            _ = try crash(program, "old", seconds: 0.4)
            let new = try program.run("run", "steps.lua", "--run-id", "new", "--recover", "--input", #"{"seconds":1}"#)
            #expect(new.status == 0)
            #expect(new.errors.contains("goes on with run old, whose process ended before it"))
            let old = try program.run("run", "steps.lua", "--run-id", "old")
            #expect(old.status == 0)
            #expect(!old.errors.contains("slow runs"), "it ended beside the new one")
        }

        @Test func `a run in whose step the process dies three times ends as failed`() throws {
            let program = try Program(["steps.lua": steps])
            defer { program.remove() }
            _ = try crash(program, "bad", seconds: 30)
            for _ in 0..<2 {
                let next = try RunningProgram(program, "run", "steps.lua", "--run-id", "bad")
                #expect(next.hear("slow runs"))
                next.crash()
            }
            let end = try program.run("run", "steps.lua", "--run-id", "bad")
            #expect(end.status == 1)
            #expect(end.errors.contains("the process died 3 times while this step ran; it is not tried again"))
        }

        @Test func `recover says which run was poisoned, and why`() throws {
            let program = try Program(["steps.lua": steps])
            defer { program.remove() }
            _ = try crash(program, "bad", seconds: 30)
            for _ in 0..<2 {
                let next = try RunningProgram(program, "run", "steps.lua", "--run-id", "bad")
                #expect(next.hear("slow runs"))
                next.crash()
            }
            let end = try program.run("runs", "recover", "--json")
            #expect(end.status == 1)
            #expect(end.output.contains(#""code": "poisoned""#))
            #expect(end.output.contains("the process died 3 times while this step ran"))
        }

        @Test func `deaths of a process that carries other calls as well poison nothing`() throws {
            let program = try Program(["steps.lua": steps])
            defer { program.remove() }
            for id in ["one", "two"] { _ = try crash(program, id, seconds: 1.5) }
            for _ in 0..<2 {
                // Each is a process of its own, as a service is that is restarted again and again.
                let next = try RunningProgram(program, "runs", "recover")
                #expect(next.hear("slow runs"))
                next.crash()
            }
            let end = try program.run("runs", "recover")
            #expect(end.status == 0, "\(end.errors)")
        }

        @Test func `a process that ends cleanly gives back what it did not finish, and that is no death`() throws {
            let program = try Program(["steps.lua": steps])
            defer { program.remove() }
            _ = try crash(program, "old", seconds: 30)
            // It takes the old run over and gives it back. Were that a death, the next one would be the third.
            let other = try program.run(
                "run", "steps.lua", "--run-id", "other", "--recover", "--input", #"{"seconds":0.3}"#)
            #expect(other.errors.contains("goes on with run old"))
            let next = try RunningProgram(program, "run", "steps.lua", "--run-id", "old")
            #expect(next.hear("slow runs"))
            next.crash()
            // By now it is suspected, and watched, which keeps nobody either.
            let third = try program.run(
                "run", "steps.lua", "--run-id", "third", "--recover", "--input", #"{"seconds":0.3}"#)
            #expect(third.status == 0)
            #expect(third.errors.contains("goes on with run old"))
            let last = try RunningProgram(program, "run", "steps.lua", "--run-id", "old")
            #expect(last.hear("slow runs old/slow#1"))
            last.send(SIGINT)
            #expect(last.finish().status == 130)
        }

        @Test func `a timer fires after a restart`() throws {
            let program = try Program([
                "wait.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "wait" }
                  :step { id = "before", handler = function() print "before runs" return 1 end }
                  :delay { id = "pause", duration = "1.5s" }
                  :step { id = "after", handler = function(n) print "after runs" return n + 1 end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "wait.lua", "--run-id", "w")
            #expect(run.hear("pause"))
            run.crash()
            let after = try program.run("run", "wait.lua", "--run-id", "w")
            #expect(after.output == "2\n")
            #expect(!after.errors.contains("before runs"))
        }
    }
}
