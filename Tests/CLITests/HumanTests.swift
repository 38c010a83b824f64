import Testing

private let approval = """
    local aikit = require "aikit"
    local s = aikit.schema
    return aikit.workflow { id = "approval" }
      :human {
        id = "approve",
        output = function() return { draft = "All is calm" } end,
        input = function(ask) return ask.form { title = "Send it?", fields = {
          ask.text { id = "text", label = "Text" },
          ask.number { id = "copies", label = "Copies" },
          ask.date { id = "day", label = "Day" },
          ask.confirm { id = "urgent", label = "Urgent?" },
          ask.select { id = "decision", label = "Decision", options = { "send", "drop" } },
          ask.multiselect { id = "to", label = "To", options = { "ops", "press", "all" } } } } end,
        response_schema = s.object { text = s.string():min(3), copies = s.integer(), day = s.string(),
          urgent = s.boolean(), decision = s.enum { "send", "drop" }, to = s.array(s.string()) },
      }
      :commit()
    """

extension CommandLine {
    struct HumanTests {
        @Test func `elsewhere than on a terminal the run waits, and the way to answer is shown`() throws {
            let program = try Program(["approval.lua": approval])
            defer { program.remove() }
            let outcome = try program.run("run", "approval.lua", "--store", "memory")
            #expect(outcome.status == 3)
            #expect(outcome.output == "")
            #expect(outcome.errors.contains("approval waits for a person at 'approve'"))
            #expect(outcome.errors.withoutTimes.contains("aikit-lua resume RUN --data '{\"copies\":1,"))
        }

        @Test func `on a terminal the form is asked, checked, and asked again when the answer is refused`() throws {
            let program = try Program(["approval.lua": approval])
            defer { program.remove() }
            let terminal = try Terminal(program, "run", "approval.lua", "--store", "memory")
            try terminal.wait(for: "draft:")
            try terminal.wait(for: "Send it?")
            func answer(text: String) throws {
                try terminal.wait(for: "Text")
                terminal.type("\(text)\n")
                try terminal.wait(for: "Copies")
                terminal.type("many\n")
                try terminal.wait(for: "please write a number")
                terminal.type("2\n")
                try terminal.wait(for: "Day")
                terminal.type("2026-02-30\n")
                try terminal.wait(for: "please write a date as YYYY-MM-DD")
                terminal.type("2026-02-28\n")
                try terminal.wait(for: "Urgent?")
                terminal.type("y\n")
                try terminal.wait(for: "drop")
                // Down to the second option, by its arrow, and taken.
                terminal.type("\u{1B}[B\n")
                try terminal.wait(for: "Decision")
                try terminal.wait(for: "all")
                terminal.type("13\n")
            }
            try answer(text: "no")
            try terminal.wait(for: "text")
            try answer(text: "Good news")
            try terminal.wait(for: "approval succeeded")
            let outcome = terminal.finish()
            #expect(outcome.status == 0)
            #expect(
                outcome.output == """
                    {
                      "copies": 2,
                      "day": "2026-02-28",
                      "decision": "drop",
                      "text": "Good news",
                      "to": [
                        "ops",
                        "all"
                      ],
                      "urgent": true
                    }

                    """)
        }

        @Test func `Ctrl-D leaves the run waiting`() throws {
            let program = try Program(["approval.lua": approval])
            defer { program.remove() }
            let terminal = try Terminal(program, "run", "approval.lua", "--store", "memory")
            try terminal.wait(for: "Text")
            terminal.type("\u{4}")
            try terminal.wait(for: "waits for a person")
            #expect(terminal.finish().status == 3)
        }

        @Test func `Ctrl-C while a form is asked cancels the run`() throws {
            let program = try Program(["approval.lua": approval])
            defer { program.remove() }
            let terminal = try Terminal(program, "run", "approval.lua", "--events", "--store", "memory")
            try terminal.wait(for: "Text")
            terminal.interrupt()
            let outcome = terminal.finish()
            #expect(outcome.status == 130)
            #expect(outcome.output.contains(#""type":"workflow:cancelled""#))
        }
    }
}
