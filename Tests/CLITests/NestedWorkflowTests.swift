import Testing

extension CommandLine {
    struct NestedWorkflowTests {
        @Test func `a stored run goes on in a workflow that stands as a step and checks its input`() throws {
            let program = try Program([
                "outer.lua": """
                local aikit = require "aikit"
                local s = aikit.schema
                local inner = aikit.workflow { id = "inner", input_schema = s.object { n = s.integer() },
                    output_schema = s.object { ok = s.boolean() } }
                  :human { id = "ask", response_schema = s.object { ok = s.boolean() } }
                  :commit()
                local body = aikit.workflow { id = "item", input_schema = s.object { n = s.integer() } }
                  :step { id = "double", handler = function(i) return { n = i.n * 2 } end }
                  :commit()
                return aikit.workflow { id = "outer" }
                  :foreach { id = "each", items = function(i) return { i, i } end, step = body }
                  :step { id = "first", handler = function(list) return list[1] end }
                  :step(inner):commit()
                """
            ])
            defer { program.remove() }
            let waiting = try program.run(
                "run", "outer.lua", "--store", "r.db", "--run-id", "r1", "--input", #"{"n":1}"#)
            #expect(waiting.status == 3)
            #expect(try program.run("runs", "check", "--store", "r.db").status == 0)
            #expect(try program.run("runs", "show", "r1", "--store", "r.db").status == 0)
            let over = try program.run("resume", "r1", "--store", "r.db", "--data", #"{"ok":true}"#)
            #expect(over.status == 0)
            #expect(over.output.contains(#""ok": true"#))
        }
    }
}
