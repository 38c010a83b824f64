import Testing

extension CommandLine {
    struct CheckTests {
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
