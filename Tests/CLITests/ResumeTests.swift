import Testing

private let review = """
    local aikit = require "aikit"
    local s = aikit.schema
    return aikit.workflow { id = "review" }
      :human {
        id = "judge",
        input = function(ask) return ask.form { fields = {
          ask.select { id = "decision", label = "Decision", options = { "yes", "no" } } } } end,
        response_schema = s.object { decision = s.enum { "yes", "no" } },
      }
      :wait_for { id = "paid", event = "payment" }
      :step { id = "end", handler = require("words").finish }
      :commit()
    """

extension CommandLine {
    struct ResumeTests {
        @Test func `another process answers and signals a run, with the code that it began with`() throws {
            let program = try Program([
                "review.lua": review, "words.lua": "return { finish = function(x) return { paid = x.amount } end }",
            ])
            defer { program.remove() }
            let waiting = try program.run("run", "review.lua", "--store", "r.db", "--run-id", "r1")
            #expect(waiting.status == 3)
            #expect(
                waiting.errors == """
                    run r1 of workflow review
                      asks       judge
                    ◷ review waits for a person at 'judge'
                      Answer with:
                      aikit-lua resume r1 --data '{"decision":"yes"}' --store r.db

                    """)
            try program.write("return {", to: "review.lua")
            try program.write("return {", to: "words.lua")

            let answered = try program.run("resume", "r1", "--store", "r.db", "--data", #"{"decision":"yes"}"#)
            #expect(answered.status == 3)
            #expect(
                answered.errors.hasSuffix(
                    """
                    ◷ review waits for an event at 'paid'
                      Send it with:
                      aikit-lua signal r1 payment --store r.db

                    """))
            let paid = try program.run("signal", "r1", "payment", "--store", "r.db", "--data", #"{"amount":42}"#)
            #expect(paid.status == 0)
            #expect(paid.output == "{\n  \"paid\": 42\n}\n")
            let again = try program.run("signal", "r1", "payment", "--store", "r.db")
            #expect(again.status == 2)
            #expect(again.errors == "error: run r1 is over (success); it waits for nobody\n")
        }

        @Test func `a refused answer says why, emits nothing, and the run still waits`() throws {
            let program = try Program(["review.lua": review, "words.lua": "return { finish = function() end }"])
            defer { program.remove() }
            _ = try program.run("run", "review.lua", "--store", "r.db", "--run-id", "r1")
            for (arguments, word) in [
                (["--data", #"{"decision":"maybe"}"#], "decision"), (["--step", "end", "--data", "{}"], "end"),
            ] {
                let refused = try program.run(["resume", "r1", "--store", "r.db", "--events"] + arguments)
                #expect(refused.status == 2)
                #expect(refused.output == "")
                #expect(refused.errors.contains(word))
            }
            let events = try program.run("resume", "r1", "--store", "r.db", "--events", "--data", #"{"decision":"no"}"#)
            #expect(events.status == 3)
            #expect(events.output.hasPrefix(#"{"attempt":1,"data":{"nextStepId":"paid","response":{"decision":"no"}}"#))
        }

        @Test(arguments: ["memory", "r.db"])
        func `a wait whose time is nearly over is seen to its end`(store: String) throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }
                  :wait_for { id = "e", event = "e", timeout = "300ms" }
                  :commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("run", "w.lua", "--store", store)
            #expect(outcome.status == 1)
            #expect(!outcome.errors.contains("aikit-lua signal"))
        }

        @Test func `what is not there is named`() throws {
            let program = try Program(["review.lua": review, "words.lua": "return { finish = function() end }"])
            defer { program.remove() }
            let store = try program.run("resume", "r1", "--store", "none.db", "--data", "{}")
            #expect(store.status == 2)
            #expect(store.errors == "error: there is no store at none.db; name another one with --store\n")
            _ = try program.run("run", "review.lua", "--store", "r.db", "--run-id", "r1")
            let run = try program.run("resume", "r2", "--store", "r.db", "--data", "{}")
            #expect(run.errors == "error: there is no run 'r2' in r.db; did you mean 'r1'?\n")
        }
    }
}
