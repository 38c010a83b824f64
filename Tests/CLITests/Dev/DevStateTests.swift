import Foundation
import Testing

/// Ten steps in a row; each prints its name and adds its text to what it got.
private func script(_ texts: [Int: String] = [:]) -> String {
    let steps = (1...10).map { number in
        """
          :step { id = "s\(number)", handler = function(seen)
            print("ran s\(number).")
            return { text = (seen.text or "") .. "\(texts[number] ?? String(number))" }
          end }
        """
    }
    return """
        local aikit = require "aikit"
        return aikit.workflow { id = "ten" }
        \(steps.joined(separator: "\n"))
          :commit()
        """
}

/// The steps that printed their names, in order.
private func ran(_ told: String) -> [String] { told.matches(of: #/ran (s\d+)\./#).map { String($0.output.1) } }

private let all = (1...10).map { "s\($0)" }

extension CommandLine {
    struct DevStateTests {
        @Test func `a save of the tenth step runs the tenth step alone`() throws {
            let program = try Program(["ten.lua": script()])
            defer { program.remove() }
            let dev = try LiveProgram(program, "dev", "ten.lua")
            #expect(ran(try dev.wait(for: "✓ ten succeeded")) == all)

            try program.write(script([10: "!"]), to: "ten.lua")
            try dev.wait(for: "on gen 2, from 's10' (9 steps kept)\n")
            #expect(ran(try dev.wait(for: "✓ ten succeeded")) == ["s10"])

            // The next save goes on from the run that was itself taken over.
            try program.write(script([9: "?", 10: "!"]), to: "ten.lua")
            try dev.wait(for: "on gen 3, from 's9' (8 steps kept)\n")
            #expect(ran(try dev.wait(for: "✓ ten succeeded")) == ["s9", "s10"])

            let results = dev.end().output.matches(of: #/"text": "(.*)"/#).map { String($0.output.1) }
            #expect(results == ["12345678910", "123456789!", "12345678?!"])
        }

        @Test func `where nothing can be taken the run begins at the start and says why`() throws {
            let program = try Program(["ten.lua": script()])
            defer { program.remove() }
            let dev = try LiveProgram(program, "dev", "ten.lua")
            try dev.wait(for: "✓ ten succeeded")
            try program.write(script([1: "one"]), to: "ten.lua")
            try dev.wait(for: "on gen 2, from the start: nothing comes before 's1'\n")
            #expect(ran(try dev.wait(for: "✓ ten succeeded")) == all)
            try program.write(script([1: "one"]) + "\n", to: "ten.lua")
            try dev.wait(for: "on gen 3, from the start: no step that the run came to has changed\n")
            #expect(ran(try dev.wait(for: "✓ ten succeeded")) == all)
            _ = dev.end()
        }

        @Test func `--from names the step from which every save runs, whatever has changed`() throws {
            let program = try Program(["ten.lua": script()])
            defer { program.remove() }
            let dev = try LiveProgram(program, "dev", "ten.lua", "--from", "s8")
            try dev.wait(for: "on gen 1, from the start: there is no run to go on from yet\n")
            #expect(ran(try dev.wait(for: "✓ ten succeeded")) == all)
            try program.write(script([2: "two", 10: "!"]), to: "ten.lua")
            try dev.wait(for: "on gen 2, from 's8' (7 steps kept)\n")
            #expect(ran(try dev.wait(for: "✓ ten succeeded")) == ["s8", "s9", "s10"])
            #expect(dev.end().output.contains(#""text": "123456789!""#))
        }

        @Test func `--from with no such step says so at the first run`() throws {
            let program = try Program(["ten.lua": script()])
            defer { program.remove() }
            let dev = try LiveProgram(program, "dev", "ten.lua", "--from", "step8")
            try dev.wait(for: "from the start: the workflow has no step 'step8'")
            try dev.wait(for: "✓ ten succeeded")
            _ = dev.end()
        }

        @Test func `a step that failed runs again with what was recorded before it`() throws {
            let broken = script().replacing(#".. "10""#, with: #".. nil"#)
            let program = try Program(["ten.lua": broken])
            defer { program.remove() }
            let dev = try LiveProgram(program, "dev", "ten.lua")
            try dev.wait(for: "✗ ten failed")
            // A blank line at the end changes no step: the failure is tried again.
            try program.write(broken + "\n", to: "ten.lua")
            try dev.wait(for: "on gen 2, from 's10' (9 steps kept)\n")
            #expect(ran(try dev.wait(for: "✗ ten failed")) == ["s10"])
            try program.write(script(), to: "ten.lua")
            try dev.wait(for: "on gen 3, from 's10' (9 steps kept)\n")
            #expect(ran(try dev.wait(for: "✓ ten succeeded")) == ["s10"])
            #expect(dev.end().output.contains(#""text": "12345678910""#))
        }

        @Test func `a run of a store takes over what is kept there, and the input of the last failed run`() throws {
            let broken = script().replacing(#".. "10""#, with: #".. nil"#)
            let program = try Program(["ten.lua": broken])
            defer { program.remove() }
            let failed = try program.run(
                "run", "ten.lua", "--store", "runs.db", "--run-id", "first", "--input", #"{"text":"0"}"#)
            #expect(failed.status == 1)
            let dev = try LiveProgram(program, "dev", "ten.lua", "--store", "runs.db")
            try dev.wait(for: #"the input is that of run first, which failed: {"text":"0"}"#)
            try dev.wait(for: "✗ ten failed")
            try program.write(script(), to: "ten.lua")
            try dev.wait(for: "on gen 2, from 's10' (9 steps kept)\n")
            try dev.wait(for: "✓ ten succeeded")
            #expect(dev.end().output.contains(#""text": "012345678910""#))
        }

        @Test func `on a terminal r runs every step again, and the tree shows what is kept as done`() throws {
            let program = try Program(["ten.lua": script()])
            defer { program.remove() }
            let terminal = try Terminal(program, "dev", "ten.lua")
            try terminal.wait(for: "ten succeeded")
            try terminal.wait(for: "r run again")
            try program.write(script([10: "!"]), to: "ten.lua")
            try terminal.wait(for: "from 's10' (9 steps kept)")
            try terminal.wait(for: "ten succeeded")
            try terminal.wait(for: "r run again")
            terminal.type("r")
            try terminal.wait(for: "ran s1.")
            try terminal.wait(for: "ten succeeded")
            terminal.type("q")
            let outcome = terminal.finish()
            #expect(outcome.status == 0)
            let results = outcome.output.matches(of: #/"text": "(.*)"/#).map { String($0.output.1) }
            #expect(results == ["12345678910", "123456789!", "123456789!"])
        }
    }
}
