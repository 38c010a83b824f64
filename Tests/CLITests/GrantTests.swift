import Testing

private let pay = """
    local aikit = require "aikit"
    local s = aikit.schema
    return aikit.workflow { id = "pay", input_schema = s.object { url = s.string() } }
      :human { id = "approve", response_schema = s.object { ok = s.boolean() } }
      :step { id = "charge", handler = function(_, context)
        return { status = aikit.http.get(context.initial_input.url).status }
      end }
      :commit()
    """

extension CommandLine {
    /// A run keeps the permissions that it began with.
    struct GrantTests {
        /// Nobody listens there, so that a call which is allowed fails in another way than one which is not.
        private let input = #"{"url":"http://127.0.0.1:9/"}"#
        private let denied = "calling 127.0.0.1 is not allowed"

        private func start(_ program: Program, _ id: String, _ options: String...) throws {
            let outcome = try program.run(["run", "pay.lua", "--run-id", id, "--input", input] + options)
            #expect(outcome.status == 3)
            #expect(outcome.errors.contains("aikit-lua resume \(id) --data '{\"ok\":true}'\n"))
        }

        @Test func `an answer needs no permissions, and a retry neither`() throws {
            let program = try Program(["pay.lua": pay])
            defer { program.remove() }
            try start(program, "p", "--allow-net=127.0.0.1:9")
            let resumed = try program.run("resume", "p", "--data", #"{"ok":true}"#)
            #expect(resumed.status == 1)
            #expect(!resumed.errors.contains("not allowed"))
            let retried = try program.run("runs", "retry", "p")
            #expect(retried.status == 1)
            #expect(!retried.errors.contains("not allowed"))
            #expect(try program.run("runs", "show", "p").output.contains("may      --allow-net=127.0.0.1:9\n"))
        }

        @Test func `a run without permissions gets them only when it is asked for`() throws {
            let program = try Program(["pay.lua": pay])
            defer { program.remove() }
            try start(program, "p")
            try start(program, "q")
            #expect(try program.run("resume", "p", "--data", #"{"ok":true}"#).errors.contains(denied))
            let wider = try program.run("resume", "q", "--data", #"{"ok":true}"#, "--allow-net")
            #expect(wider.status == 1)
            #expect(!wider.errors.contains("not allowed"))
        }

        @Test func `a run of an id takes neither fewer permissions nor more for other code`() throws {
            let program = try Program(["pay.lua": pay])
            defer { program.remove() }
            try start(program, "p", "--allow-net=127.0.0.1:9")
            let fewer = try program.run("run", "pay.lua", "--run-id", "p", "--allow-net=example.org")
            #expect(fewer.status == 2)
            #expect(fewer.errors.contains("run 'p' began with --allow-net=127.0.0.1:9, which is more"))
            #expect(try program.run("run", "pay.lua", "--run-id", "p").status == 3)
            try program.write(pay + "-- edited", to: "pay.lua")
            let more = try program.run("run", "pay.lua", "--run-id", "p", "--allow-net=127.0.0.1:9,example.org")
            #expect(more.status == 2)
            #expect(more.errors.contains("aikit-lua runs recover p --allow-net=127.0.0.1:9,example.org"))
        }

        @Test func `runs that are gone on with beside another one get nothing of it`() throws {
            let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "both" }
                  :step { id = "call", handler = function(input)
                    print "calls"
                    aikit.sleep(input.nap)
                    return aikit.http.get("http://127.0.0.1:9/").status
                  end }
                  :commit()
                """
            let program = try Program(["both.lua": script])
            defer { program.remove() }
            let old = try RunningProgram(program, "run", "both.lua", "--run-id", "old", "--input", #"{"nap":0.3}"#)
            #expect(old.hear("calls"))
            old.crash()
            let new = try program.run(
                "run", "both.lua", "--run-id", "new", "--input", #"{"nap":1.5}"#, "--recover", "--allow-net")
            #expect(!new.errors.contains(denied))
            #expect(try program.run("runs", "show", "old").output.contains(denied))
        }
    }
}
