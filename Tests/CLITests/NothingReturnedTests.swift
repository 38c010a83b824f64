import Testing

private let forgetful = """
    local aikit = require "aikit"
    local s = aikit.schema
    return aikit.workflow { id = "w" }
      :step { id = "a", handler = function(input)
        local result = { x = 1 }
      end }
      :step { id = "b", %SCHEMA% handler = function(i) return i.x end }
      :commit()
    """

extension CommandLine {
    /// A `return` that was forgotten is named where it is missing, not where its nil is used.
    struct NothingReturnedTests {
        private func program(_ schema: String) throws -> Program {
            try Program(["w.lua": forgetful.replacing("%SCHEMA%", with: schema)])
        }

        @Test(arguments: ["", "input_schema = s.object { x = s.integer() },"])
        func `the step that returned nothing is named by the step that needs its value`(schema: String) throws {
            let program = try program(schema)
            defer { program.remove() }
            let outcome = try program.run("run", "w.lua", "--store", "memory")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("step 'a' returned nothing, its handler ends at w.lua:6"))
        }

        @Test func `check warns where a value is needed and there is no return`() throws {
            let program = try program("input_schema = s.object { x = s.integer() },")
            defer { program.remove() }
            let outcome = try program.run("check", "w.lua")
            #expect((outcome.output + outcome.errors).contains("the handler of step 'a' returns nothing"))
            try program.write(
                """
                local aikit = require "aikit"
                local s = aikit.schema
                return aikit.workflow { id = "w" }
                  :step { id = "quiet", output_schema = s.object {}:nullable(), handler = function() end }
                  :step { id = "fails", output_schema = s.object {}, handler = function() aikit.fail "no" end }
                  :step { id = "gives", output_schema = s.object {}, handler = function(x) if x then return x end end }
                  :commit()
                """, to: "fine.lua")
            let fine = try program.run("check", "fine.lua")
            #expect(!(fine.output + fine.errors).contains("returns nothing"))
        }
    }
}
