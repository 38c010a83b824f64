import Foundation
import Platform
import Testing

extension CommandLine {
    @Suite("How a run is left whose store cannot be written")
    struct RunStoreLockTests {
        private static let script = """
            local aikit = require "aikit"
            return aikit.workflow { id = "nap" }
              :step { id = "first", handler = function() return 1 end }
              :step { id = "sleep", handler = function() print "sleeps" aikit.sleep("1s") return 2 end }
              :step { id = "last", handler = function(number) return number end }
              :commit()
            """

        @Test(arguments: [(SIGTERM, 143), (SIGINT, 130)] as [(Int32, Int32)])
        func `it ends some time after a signal, and says what may be lost`(signal: Int32, status: Int32) throws {
            let program = try Program(["nap.lua": Self.script])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "nap.lua", "--run-id", "r")
            defer { run.send(SIGKILL) }
            #expect(run.hear("sleeps"))
            let other = try OtherConnection(program.folder.appendingPathComponent(".aikit/runs.db").path)
            try other.execute("BEGIN IMMEDIATE")
            run.send(signal)
            let outcome = run.finish()
            #expect(outcome.status == status, "\(outcome.errors)")
            #expect(outcome.errors.contains("its last state may not be in the store"), "\(outcome.errors)")
            #expect(outcome.errors.contains("aikit-lua runs recover r"), "\(outcome.errors)")
            try other.execute("ROLLBACK")
            #expect(try program.run("runs", "recover", "r").status == 0)
        }
    }
}
