import Testing

private let talking = """
    local aikit = require "aikit"
    return aikit.workflow { id = "talk" }
      :step { id = "count", handler = function(input, context)
        context:log("debug", "looking")
        context:log("warn", "few rows", { rows = 2 })
        return { rows = 2 }
      end }
      :commit()
    """

extension CommandLine {
    /// What steps log: on standard error, in the journal, in the events.
    struct LogTests {
        @Test func `an entry shows when, which run and which step it is of`() throws {
            let program = try Program(["talk.lua": talking])
            defer { program.remove() }
            let outcome = try program.run("run", "talk.lua", "--run-id", "r1")
            let lines = outcome.errors.split(separator: "\n").filter { $0.contains("few rows") }
            #expect(lines.count == 1)
            let shape =
                #/  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) warn few rows run=r1 path=count fields={"rows":2}/#
            #expect(lines.first?.wholeMatch(of: shape) != nil, "\(outcome.errors)")
            #expect(!outcome.errors.contains("looking"))
        }

        @Test func `the level that is shown can be chosen`() throws {
            let program = try Program(["talk.lua": talking])
            defer { program.remove() }
            #expect(try program.run("run", "talk.lua", "--log-level", "debug").errors.contains("looking"))
            #expect(try !program.run("run", "talk.lua", "--log-level", "error").errors.contains("few rows"))
            let wrong = try program.run("run", "talk.lua", "--log-level", "loud")
            #expect(wrong.status == 2)
            #expect(wrong.errors.contains("loud"))
        }

        @Test func `as JSON standard error has one object a line and nothing else`() throws {
            let program = try Program([
                "talk.lua": talking.replacing("return { rows", with: "print('a\\nb')\n return { rows")
            ])
            defer { program.remove() }
            let outcome = try program.run("run", "talk.lua", "--run-id", "r1", "--log-format", "json")
            let lines = outcome.errors.split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") }, "\(outcome.errors)")
            let entry = lines.first { $0.contains("few rows") } ?? ""
            let shape =
                #/\{"fields":\{"rows":2\},"level":"warn","message":"few rows","path":"count","run":"r1","time":\d{13},"trace_id":"[0-9a-f]{32}","workflow":"talk"\}/#
            #expect(entry.wholeMatch(of: shape) != nil)
            #expect(lines.contains { $0.contains(#""level":"info","message":"a\nb""#) })
            #expect(lines.last?.contains("talk succeeded") == true)
            let broken = try program.run("run", "none.lua", "--log-format", "json")
            #expect(broken.errors.hasPrefix(#"{"level":"error","message":"none.lua: error: there is no such file""#))
        }

        @Test func `entries are events of the run and stay in its journal`() throws {
            let program = try Program(["talk.lua": talking])
            defer { program.remove() }
            let run = try program.run("run", "talk.lua", "--run-id", "r1", "--events")
            let told = run.output.split(separator: "\n").filter { $0.contains(#""type":"log""#) }
            #expect(told.count == 2)
            #expect(told.last?.contains(#""data":{"fields":{"rows":2},"level":"warn","message":"few rows"}"#) == true)
            #expect(told.allSatisfy { $0.contains(#""path":"count""#) && $0.contains(#""attempt":1"#) })
            let kept = try program.run("runs", "events", "r1").output.split(separator: "\n")
            #expect(kept.filter { $0.contains(#""type":"log""#) } == told)
            let shown = try program.run("runs", "show", "r1").output
            #expect(shown.contains(" debug looking path=count\n"))
            #expect(shown.contains(#" warn few rows path=count fields={"rows":2}"#))
            #expect(try program.run("runs", "show", "r1", "--json").output.contains(#""message": "few rows""#))
            _ = try program.run("runs", "record", "r1", "recorded")
            let record = try program.run("test", "recorded")
            #expect(record.status == 0, "\(record.errors)")
            let again = try program.run("run", "talk.lua", "--run-id", "r1", "--events")
            #expect(!again.errors.contains("few rows"))
        }

        @Test func `tests show what steps log when they are asked to`() throws {
            let program = try Program([
                "talk.lua": talking,
                "talk_test.lua": #"it("talks", function() test.run(require "talk", {}) end)"#,
            ])
            defer { program.remove() }
            #expect(try !program.run("test").errors.contains("few rows"))
            #expect(try program.run("test", "--log-level", "warn").errors.contains("warn few rows"))
        }

        @Test func `fields that are no table, and those that no journal can keep, are refused`() throws {
            let program = try Program([
                "bad.lua": talking.replacing("{ rows = 2 })", with: "2)"),
                "worse.lua": talking.replacing("{ rows = 2 })", with: "{ rows = print })"),
            ])
            defer { program.remove() }
            #expect(try program.run("run", "bad.lua").errors.contains("takes a table of fields after the message"))
            let worse = try program.run("run", "worse.lua")
            #expect(worse.status == 1)
            #expect(worse.errors.contains("fields.rows is a function"), "\(worse.errors)")
        }
    }
}
