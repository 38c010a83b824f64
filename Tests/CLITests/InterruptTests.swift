import Foundation
import Platform
import Testing

extension CommandLine {
    struct InterruptTests {
        private static let runaway = """
            local aikit = require "aikit"
            return aikit.workflow { id = "runaway" }
              :step { id = "spin", handler = function() print "spinning" while true do pcall(error, "again") end end }
              :commit()
            """

        @Test func `Ctrl-C during a runaway handler in memory cancels the run at once`() throws {
            let program = try Program(["runaway.lua": Self.runaway])
            defer { program.remove() }
            let process = program.process(["run", "runaway.lua", "--events", "--store", "memory"])
            let output = Pipe()
            process.standardOutput = output
            let errors = Pipe()
            process.standardError = errors
            try process.run()
            // The handler says that it runs; from then on it never lets go by itself.
            #expect(String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self) == "spinning\n")
            let asked = Date()
            kill(process.processIdentifier, SIGINT)
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(Date().timeIntervalSince(asked) < 2)
            #expect(process.terminationStatus == 130)
            #expect(process.terminationReason == .exit)
            #expect(text.contains(#""type":"workflow:cancelled""#))
            #expect(text.contains(#""status":"cancelled""#))
        }

        @Test func `a reader of standard output that goes away harms nobody`() throws {
            let program = try Program([
                "chatty.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "chatty" }
                  :step { id = "talk", handler = function(_, context)
                    for i = 1, 20000 do context:emit { type = "line", data = { i = i } } end
                    return 1
                  end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let process = program.process(["run", "chatty.lua", "--events"])
            let output = Pipe()
            let errors = Pipe()
            process.standardOutput = output
            process.standardError = errors
            try process.run()
            try output.fileHandleForReading.close()
            let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 0)
            #expect(text == "")
        }
    }
}
