#if os(Linux)
    import Foundation
    import Testing

    private let workflow = """
        local aikit = require "aikit"
        return aikit.workflow { id = "w" }
          :step { id = "x", handler = function() print "sleeps" aikit.sleep(0.5) return 1 end }:commit()
        """

    extension CommandLine {
        /// Where the system gives the program little memory: it says so, or works.
        struct MemoryLimitTests {
            /// Runs the program by a shell with a limit in KiB; what `timeout` ends has status 124 or 137.
            private func run(_ limit: String, _ arguments: String...) throws -> Program.Outcome {
                let program = try Program(["w.lua": workflow])
                defer { program.remove() }
                var shell = program
                shell.binary = "/bin/sh"
                let line = "ulimit \(limit); exec timeout -k 2 30 \(Program.binary) " + arguments.joined(separator: " ")
                return try shell.run(["-c", line])
            }

            /// The program's own constants count as data; below that the kernel loads nothing.
            private func constants() throws -> Int {
                for megabytes in stride(from: 16, through: 1024, by: 8)
                where try run("-d \(megabytes << 10)", "--version").status == 0 { return megabytes << 10 }
                return 1 << 20
            }

            @Test func `from where the program can be loaded, too little data memory is told of`() throws {
                let least = try constants()
                var statuses: Set<Int32> = []
                for more in stride(from: 0, through: 160 << 10, by: 20 << 10) {
                    for store in ["memory", "runs.db"] {
                        let outcome = try run("-d \(least + more)", "run", "w.lua", "--store", store)
                        statuses.insert(outcome.status)
                        #expect(outcome.status == 0 || outcome.status == 2, "\(more): \(outcome.errors)")
                        if outcome.status == 2 { #expect(outcome.errors.contains("ulimit -d"), "\(outcome.errors)") }
                    }
                    #expect(try run("-d \(least + more)", "--help").status == 0)
                    let list = try run("-d \(least + more)", "runs", "list", "--store", "no.db")
                    #expect(list.status == 2)
                }
                #expect(statuses == [0, 2])
            }

            @Test func `help needs hardly any address space`() throws {
                let refused = try run("-v 400000", "run", "w.lua", "--store", "memory")
                #expect(refused.status == 2 && refused.errors.contains("ulimit -v"), "\(refused.errors)")
                #expect(try run("-v 400000", "--version").status == 0)
                #expect(try run("-v 400000", "run", "--help").status == 0)
            }

            @Test(arguments: [400, 480, 520, 560, 700])
            func `with little address space the program works or says that it cannot`(megabytes: Int) throws {
                for _ in 0..<4 {
                    let outcome = try run("-v \(megabytes << 10)", "run", "w.lua", "--store", "runs.db")
                    #expect(outcome.status == 0 || outcome.status == 2, "\(outcome.status): \(outcome.errors)")
                    if outcome.status == 2 { #expect(outcome.errors.contains("memory"), "\(outcome.errors)") }
                }
            }

            @Test(arguments: [700, 840, 1040, 1400])
            func `what a script of a process of its own gives fails its step where the host has no memory for it`(
                megabytes: Int
            ) throws {
                let program = try Program([
                    "big.lua": """
                    local aikit = require "aikit"
                    return aikit.workflow { id = "w" }
                      :step { id = "a", handler = function() return ("x"):rep(3e7) end }
                      :step { id = "b", handler = function(input, context) context:log("info", ("l"):rep(3e7)) return input end }
                      :commit()
                    """
                ])
                defer { program.remove() }
                var shell = program
                shell.binary = "/bin/sh"
                for way in ["run", "shared"] {
                    let line =
                        "ulimit -v \(megabytes << 10); exec timeout -k 2 60 \(Program.binary) run big.lua --store memory "
                        + "--isolate=\(way)"
                    let outcome = try shell.run(["-c", line])
                    #expect(
                        outcome.status == 0 || outcome.status == 1, "\(outcome.status): \(outcome.errors.suffix(2000))")
                }
            }

            @Test(arguments: ["run", "shared"])
            func
                `a run in a process of its own that comes near to what it may record is warned of once, and goes on there`(
                    way: String
                ) throws
            {
                // One run may record a 32nd part of the address space.
                let program = try Program([
                    "near.lua": """
                    local aikit = require "aikit"
                    return aikit.workflow { id = "w" }
                      :step { id = "a", handler = function() return ("x"):rep(27500000) end }
                      :step { id = "b", handler = function() return 1 end }
                      :step { id = "c", handler = function() return 2 end }
                      :commit()
                    """
                ])
                defer { program.remove() }
                var shell = program
                shell.binary = "/bin/sh"
                let line =
                    "ulimit -v \(1000 << 10); exec timeout -k 2 60 \(Program.binary) run near.lua --store memory "
                    + "--isolate=\(way)"
                let outcome = try shell.run(["-c", line])
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(!outcome.errors.contains("is gone"), "\(outcome.errors)")
                #expect(outcome.errors.components(separatedBy: "and fails beyond that").count == 2, "\(outcome.errors)")
            }

            @Test func `a script that takes all of the data memory fails in its step`() throws {
                let program = try Program([
                    "w.lua": """
                    local aikit = require "aikit"
                    return aikit.workflow { id = "w" }
                      :step { id = "x", handler = function() local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(1e6) .. i end end }
                      :commit()
                    """
                ])
                defer { program.remove() }
                var shell = program
                shell.binary = "/bin/sh"
                let line = "ulimit -d \(try constants() + (200 << 10)); exec \(Program.binary) run w.lua --store memory"
                let outcome = try shell.run(["-c", line])
                #expect(outcome.status == 1 && outcome.errors.contains("memory"), "\(outcome.errors)")
            }
        }
    }
#endif
