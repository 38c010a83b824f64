import Testing

extension CommandLine {
    struct CheckTests {
        @Test func `of thousands of modules that are not there the first are named`() throws {
            let calls = (0..<3000).map { "require 'm\($0)'" }.joined(separator: " ")
            let program = try Program([
                "w.lua": """
                local f = function() \(calls) end
                return require "aikit".workflow { id = "w" }:step { id = "a", handler = f }:commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("check", "w.lua")
            #expect(outcome.errors.contains("module 'm0' not found"))
            #expect(outcome.errors.contains("and 2900 more modules that are not there"))
            #expect(outcome.errors.utf8.count < 100_000)
        }

        @Test func `check says what a script holds, and all that is wrong with others`() throws {
            let program = try Program([
                "good.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "good" }:step { id = "a", handler = function() return 1 end }:commit()
                """,
                "bad.lua": "local x = \n",
            ])
            defer { program.remove() }
            let good = try program.run("check", "good.lua")
            #expect(good.status == 0)
            #expect(good.errors == "✓ good.lua: good (1 step)\n")
            let both = try program.run("check", "good.lua", "bad.lua")
            #expect(both.status == 2)
            #expect(both.errors.contains("bad.lua:1: error: ") || both.errors.contains("bad.lua:2: error: "))
            let json = try program.run("check", "good.lua", "--json")
            #expect(
                json.output == """
                    {
                      "ok": true,
                      "scripts": [
                        {
                          "ok": true,
                          "path": "good.lua",
                          "problems": [],
                          "workflows": [
                            {
                              "id": "good"
                            }
                          ]
                        }
                      ]
                    }

                    """)
        }
    }
}
