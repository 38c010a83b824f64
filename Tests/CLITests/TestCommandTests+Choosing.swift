import Foundation
import Platform
import Testing

/// Which tests a command runs, and how it tells of them.
extension CommandLine.TestCommandTests {
    @Test func `tests are chosen by name, skipped, and singled out`() throws {
        let source = """
            describe("group", function()
              it("one", function() end)
              it("two", function() end)
              it.skip("three", function() error "never" end)
              it("four")
            end)
            """
        let filtered = try test(source, "--filter", "GROUP › o")
        #expect(filtered.errors.withoutTimes.hasSuffix("✓ one\n\n1 passed (1 file, TIME)\n"))
        let all = try test(source)
        #expect(all.errors.withoutTimes.hasSuffix("2 passed, 2 skipped (1 file, TIME)\n"))
        let none = try test(source, "--filter", "nothing")
        #expect(none.status == 2)
        #expect(none.errors.contains("none of the 4 tests has 'nothing' in its name"))
        let only = try test(source.replacing("it(\"two\"", with: "it.only(\"two\""))
        #expect(only.errors.withoutTimes.hasSuffix("✓ two\n\n1 passed (1 file, TIME)\n"))
    }

    @Test func `programs read NDJSON and JUnit`() throws {
        let source = """
            it("passes", function() end)
            it("fails & shows <that>", function() expect(1):equals(2) end)
            """
        let lines = try test(source, "--reporter", "ndjson")
        #expect(lines.status == 1)
        let objects = try lines.output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(objects.map { $0["type"] as? String } == ["test", "test", "summary"])
        #expect(objects[0]["status"] as? String == "passed")
        let error = try #require(objects[1]["error"] as? [String: Any])
        #expect(error["message"] as? String == "expected 2, got 1")
        #expect(error["line"] as? Int == 2)
        #expect(objects[2]["failed"] as? Int == 1)
        let junit = try test(source, "--reporter", "junit")
        #expect(junit.output.contains("<testsuites name=\"aikit-lua\" tests=\"2\" failures=\"1\""))
        #expect(junit.output.contains("name=\"fails &amp; shows &lt;that&gt;\""))
        #expect(junit.output.contains("message=\"expected 2, got 1\""))
    }

    @Test func `coverage names the steps and cases that did not run`() throws {
        let outcome = try test(
            """
            it("is calm", function()
              test.run(require "weather", { input = { city = "x" }, mocks = { fetch = { city = "x", wind = 1 } } })
            end)
            local weather = require "weather"
            """, "--coverage")
        #expect(outcome.status == 0)
        #expect(outcome.errors.contains("coverage: 50% (4 of 8 steps and cases)"))
        #expect(outcome.errors.contains("weather: fetch\n"))
        #expect(outcome.errors.contains("weather: risk → storm\n"))
        #expect(outcome.errors.contains("weather: finish\n"))
    }

    @Test func `files are found in folders, and find modules beside them and above`() throws {
        let program = try Program(["weather.lua": Self.weather])
        defer { program.remove() }
        let files = FileManager.default
        for folder in ["tests/deep", ".hidden", "lua_modules", ".aikit"] {
            try files.createDirectory(
                at: program.folder.appendingPathComponent(folder), withIntermediateDirectories: true)
        }
        try program.write(
            "it('a', function() expect((require 'weather').id):equals 'weather' end)", to: "tests/a_test.lua")
        try program.write("return 7", to: "tests/deep/own.lua")
        try program.write(
            "it('b', function() expect(require 'own'):equals(7) end)\nrequire 'weather'",
            to: "tests/deep/b_test.lua")
        for folder in [".hidden", "lua_modules", ".aikit"] {
            try program.write("error 'no'", to: "\(folder)/c_test.lua")
        }
        let outcome = try program.run("test")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.errors.withoutTimes
                == "tests/a_test.lua\n  ✓ a\ntests/deep/b_test.lua\n  ✓ b\n\n2 passed (2 files, TIME)\n")
    }

    @Test func `wrong usage and files that cannot be loaded end with status 2`() throws {
        let program = try Program(["broken_test.lua": "it('x', function()\n"])
        defer { program.remove() }
        let broken = try program.run("test")
        #expect(broken.status == 2)
        #expect(broken.errors.contains("broken_test.lua:"))
        #expect(broken.errors.contains("1 file could not be loaded"))
        #expect(try program.run("test", "nowhere").status == 2)
        let empty = try Program()
        defer { empty.remove() }
        let nothing = try empty.run("test")
        #expect(nothing.status == 2)
        #expect(nothing.errors.contains("no tests found"))
    }

    @Test func `Ctrl-C ends the tests with status 130`() throws {
        let program = try Program(["slow_test.lua": "it('loops', function() print 'looping' while true do end end)"]
        )
        defer { program.remove() }
        let process = program.process(["test", "--timeout", "1m"])
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        #expect(String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self) == "looping\n")
        kill(process.processIdentifier, SIGINT)
        process.waitUntilExit()
        #expect(process.terminationStatus == 130)
        #expect(process.terminationReason == .exit)
    }
}
