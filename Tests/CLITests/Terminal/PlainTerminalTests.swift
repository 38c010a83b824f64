import Foundation
import Testing

extension CommandLine {
    /// What people see, whatever the data holds and however the program was started.
    struct ShownDataTests {
        @Test func `escape sequences of data are shown, wherever they come from`() throws {
            let hostile = "\\u{1B}]0;title\\u{7}\\u{202E}"
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }
                  :step { id = "say", handler = function(i, context)
                    print("print \(hostile)")
                    context:log("warn", "log \(hostile)")
                    error("error \(hostile)")
                  end }:commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run(
                "run", "w.lua", "--store", "memory", "--run-id", "a\u{1B}]0;x\u{7}b", "--input", "{}")
            #expect(outcome.status == 1 || outcome.status == 2)
            #expect(!outcome.errors.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{7}" || $0 == "\u{202E}" })
            let plain = try program.run("run", "w.lua", "--store", "memory", "--input", "{}")
            #expect(!plain.errors.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{7}" || $0 == "\u{202E}" })
            for word in ["print", "log", "error"] {
                #expect(plain.errors.contains(word + " \\u001b]0;title\\u0007\\u202e"), "\(plain.errors)")
            }
        }

        @Test func `constructs in a concurrent foreach show under their own names`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                local one = aikit.step { id = "one", handler = function(n) return n end }
                return aikit.workflow { id = "w" }
                  :foreach { id = "all", items = function(i) return i end, concurrency = 8, step = {
                    one, aikit.branch { id = "b", resolve = function() return "x" end, cases = { x =
                      aikit.step { id = "fails", handler = function(n) if n == 7 then error "seven" end return n end } } } } }
                  :commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("run", "w.lua", "--store", "memory", "--input", "[1,2,3,4,5,6,7,8]")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("failed     all[7]/b/fails"), "\(outcome.errors)")
        }

        @Test func `a byte order mark is passed over, and a source that is no UTF-8 is refused at its line`() throws {
            let program = try Program([
                "m.lua": "\u{FEFF}return { n = 5 }\n", "in.json": "\u{FEFF}{\"n\":5}",
                "w.lua": "\u{FEFF}local aikit = require \"aikit\"\nlocal m = require \"m\"\n"
                    + "return aikit.workflow { id = \"w\" }:step { id = \"x\", handler = function(i) return i.n + m.n end }:commit()\n",
            ])
            defer { program.remove() }
            let outcome = try program.run("run", "w.lua", "--store", "memory", "--input", "@in.json")
            #expect(outcome.status == 0 && outcome.output == "10\n", "\(outcome.errors)")
            try Data("return 1\n-- caf".utf8 + [0xE9, 10]).write(to: program.folder.appendingPathComponent("m.lua"))
            for arguments in [["check", "m.lua"], ["check", "w.lua"]] {
                let refused = try program.run(arguments)
                #expect(refused.status == 2)
                #expect(refused.errors.contains("m.lua:2") && refused.errors.contains("UTF-8"), "\(refused.errors)")
            }
        }

        @Test(arguments: [
            ["run"], ["check"], ["graph"], ["dev"], ["repl"], ["test"], ["init"], ["types"], ["types", "--output"],
            ["torture"], ["runs", "list", "--store"], ["test", "--junit"],
        ])
        func `an empty path is refused`(command: [String]) throws {
            let program = try Program()
            defer { program.remove() }
            let outcome = try program.run(command + [""])
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("a path is empty"), "\(outcome.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder.path).isEmpty)
        }

        @Test(arguments: ["/", "//", "/."], [["init"], ["types", "--output"]])
        func `nothing is made in the root of the file system`(path: String, command: [String]) throws {
            let program = try Program()
            defer { program.remove() }
            let outcome = try program.run(command + [path])
            #expect(outcome.status == 2 && outcome.errors.contains("root of the file system"), "\(outcome.errors)")
        }

        private static let large = """
            local aikit = require "aikit"
            return aikit.workflow { id = "w" }
              :step { id = "x", handler = function() return string.rep("a", 100000) end }:commit()
            """

        /// Runs the program by a shell, which can take from it what it needs.
        private func shell(_ line: String) throws -> Int32 {
            let program = try Program(["w.lua": Self.large])
            defer { program.remove() }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = [
                "-c", line.replacing("RUN", with: "timeout 20 \(Program.binary) run w.lua --input '{}'"),
            ]
            process.currentDirectoryURL = program.folder
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }

        @Test(arguments: ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
        func `standard descriptors may be closed at the start`(closed: String) throws {
            #expect(try shell("RUN \(closed)") == 0)
        }

        @Test(arguments: [4, 6, 8, 12, 16, 20])
        func `too few descriptors are told of`(limit: Int) throws {
            #expect(try shell("ulimit -n \(limit); RUN >/dev/null; [ $? = 2 ]") == 0)
        }

        @Test(arguments: ["-v 200000", "-f 1"])
        func `too little memory and too small files are errors`(limit: String) throws {
            #expect(try shell("ulimit \(limit); RUN >/dev/null; [ $? -le 2 ]") == 0)
        }
    }
}
