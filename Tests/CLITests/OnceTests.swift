import Foundation
import Testing

/// A handler with two effects, which say that they happen, and a sleep in which its process may be killed.
private let pay = """
    local aikit = require "aikit"
    return aikit.workflow { id = "pay" }
      :step { id = "pay", handler = function(input, context)
        local charge = context:once("charge", function() print("charges") return { id = "c-1" } end)
        print("waits")
        if input.seconds > 0 then aikit.sleep(input.seconds) end
        local mail = context:once("mail", function() print("mails") return charge.id end)
        if input.fails and not context.store.tried then
          context.store.tried = true
          error("no receipt")
        end
        return { charge = charge.id, mail = mail }
      end }
      :commit()
    """

extension CommandLine {
    struct OnceTests {
        private func count(_ word: String, in text: String) -> Int {
            text.split(separator: "\n").count { $0.hasSuffix(word) }
        }

        @Test func `what a handler recorded is given back after its process was killed`() throws {
            let program = try Program(["pay.lua": pay])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "pay.lua", "--run-id", "p", "--input", #"{"seconds":1}"#)
            #expect(run.hear("waits"))
            run.crash()
            #expect(count("charges", in: run.said) == 1)
            let end = try program.run("run", "pay.lua", "--run-id", "p")
            #expect(end.status == 0)
            #expect(end.output.contains(#""charge": "c-1""#))
            #expect(count("charges", in: end.errors) == 0)
            #expect(count("mails", in: end.errors) == 1)
            let events = try program.run("runs", "events", "p")
            let records = events.output.split(separator: "\n").filter { $0.contains(#""type":"step:once""#) }
            #expect(records.count == 2)
            #expect(records.first?.contains(#""data":{"name":"charge","value":{"id":"c-1"}}"#) == true)
        }

        @Test func `a part that comes back after its step has ended records nothing in the step that goes on with it`()
            throws
        {
            let program = try Program([
                "late.lua": """
                local aikit = require "aikit"
                local goes_on
                return aikit.workflow { id = "late" }
                  :step { id = "a", handler = function(_, context)
                    goes_on = coroutine.wrap(function()
                      return context:once("part", function() coroutine.yield() return "of a" end)
                    end)
                    goes_on()
                    return 1
                  end }
                  :step { id = "b", handler = function(_, context)
                    local ok, problem = pcall(goes_on)
                    local own = context:once("part", function() return "of b" end)
                    return { ok = ok, problem = tostring(problem), own = own }
                  end }
                  :commit()
                """
            ])
            defer { program.remove() }
            for way in [[], ["--isolate"]] {
                let run = try program.run(["run", "late.lua"] + way)
                #expect(run.status == 0, "\(run.errors)")
                #expect(run.output.contains(#""ok": false"#) && run.output.contains(#""own": "of b""#), "\(run.output)")
                #expect(run.output.contains("after its step had ended"), "\(run.output)")
            }
        }

        @Test func `a retry of a failed run keeps what was recorded, a fork before the step does not`() throws {
            let program = try Program(["pay.lua": pay])
            defer { program.remove() }
            let input = #"{"seconds":0,"fails":true}"#
            let run = try program.run("run", "pay.lua", "--run-id", "p", "--input", input)
            #expect(run.status == 1)
            #expect(count("charges", in: run.errors) == 1)
            let retry = try program.run("runs", "retry", "p")
            #expect(count("charges", in: retry.errors) == 0)
            #expect(count("mails", in: retry.errors) == 0)
            let fork = try program.run("runs", "fork", "p", "--from", "pay")
            #expect(count("charges", in: fork.errors) == 1)
        }
    }
}
