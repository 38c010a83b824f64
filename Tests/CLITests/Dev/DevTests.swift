import FlatValue
import Foundation
import Platform
import Testing

private func script(_ text: String) -> String {
    """
    local aikit = require "aikit"
    local shout = require "lib.shout"
    return aikit.workflow { id = "hello" }
      :step { id = "greet", handler = function(input) return shout("\(text) " .. (input.name or "you")) end }
      :commit()
    """
}

private let shout = "return function(text) return text:upper() end"

extension CommandLine {
    struct DevTests {
        @Test func `each good save runs the script again, a bad one is told once and changes nothing`() throws {
            let program = try Program(["hello.lua": script("Hello")])
            defer { program.remove() }
            try FileManager.default.createDirectory(
                at: program.folder.appendingPathComponent("lib"), withIntermediateDirectories: true)
            try program.write(shout, to: "lib/shout.lua")
            let dev = try LiveProgram(program, "dev", "hello.lua", "--input", #"{"name":"Ada"}"#)
            try dev.wait(for: "loaded gen 1 (hello.lua, lib/shout.lua) in ")
            try dev.wait(for: "of workflow hello on gen 1\n")
            try dev.wait(for: "✓ hello succeeded")

            try program.write(script("Welcome"), to: "hello.lua")
            try dev.wait(for: "reloaded gen 2 (hello.lua) in ")
            try dev.wait(for: "✓ hello succeeded")

            try program.write("return function(text) return text:lower() en", to: "lib/shout.lua")
            try dev.wait(for: "'end' expected near 'en'")
            try dev.wait(for: "✗ gen 2 stays live; waiting for the next save\n")

            try program.write(shout, to: "lib/shout.lua")
            let between = try dev.wait(for: "gen 2 again")
            #expect(!between.contains("'end' expected"))
            try dev.wait(for: "✓ hello succeeded")

            try FileManager.default.removeItem(at: program.folder.appendingPathComponent("hello.lua"))
            try dev.wait(for: "✗ hello.lua has gone; gen 2 stays live until it comes back\n")
            try program.write(script("Bye"), to: "hello.lua")
            try dev.wait(for: "reloaded gen 3 (hello.lua) in ")
            try dev.wait(for: "✓ hello succeeded")

            let outcome = dev.end()
            #expect(outcome.status == 130)
            #expect(
                outcome.output.split(separator: "\n") == [
                    #""HELLO ADA""#, #""WELCOME ADA""#, #""WELCOME ADA""#, #""BYE ADA""#,
                ])
        }

        @Test func `a run under way stays on its generation, and the reload says so`() throws {
            let waiting = """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:wait_for { id = "go", event = "go" }:commit()
                """
            let program = try Program(["w.lua": waiting])
            defer { program.remove() }
            let dev = try LiveProgram(program, "dev", "w.lua")
            try dev.wait(for: "w waits for an event at 'go'")
            try program.write(waiting + "\n", to: "w.lua")
            try dev.wait(for: "; 1 run stays on gen 1\n")
            try dev.wait(for: "w waits for an event at 'go'")
            try program.write(waiting + "\n\n", to: "w.lua")
            try dev.wait(for: "; 1 run stays on gen 1, 1 run stays on gen 2\n")
            #expect(dev.end(SIGTERM).status == 143)
        }

        @Test func `a run that goes on as another one is followed to the end`() throws {
            let count = #"""
                local aikit = require "aikit"
                return aikit.workflow { id = "count" }
                  :step { id = "count", handler = function(input, context)
                    if input.n < 3 then context:restart { n = input.n + 1 } end
                    return "counted to " .. input.n
                  end }
                  :commit()
                """#
            let program = try Program(["count.lua": count])
            defer { program.remove() }
            let dev = try LiveProgram(program, "dev", "count.lua", "--input", #"{"n":1}"#)
            try dev.wait(for: " goes on as ")
            try dev.wait(for: " goes on as ")
            try dev.wait(for: "✓ count succeeded")
            // Those that have ended in favour of others are none that stay on their generation.
            try program.write(count + "\n", to: "count.lua")
            #expect(try !dev.wait(for: "✓ count succeeded").contains("stays on gen"))
            let outcome = dev.end()
            #expect(outcome.status == 130)
            #expect(outcome.output.split(separator: "\n") == [#""counted to 3""#, #""counted to 3""#])
        }

        @Test func `a script that does not load at first is waited for`() throws {
            let program = try Program(["w.lua": "return nil +"])
            defer { program.remove() }
            let dev = try LiveProgram(program, "dev", "w.lua")
            try dev.wait(for: "nothing is live yet; waiting for the next save\n")
            try program.write(
                #"return require "aikit".workflow { id = "w" }:step { id = "s", handler = function() end }:commit()"#,
                to: "w.lua")
            try dev.wait(for: "loaded gen 1 (w.lua) in ")
            try dev.wait(for: "✓ w succeeded")
            #expect(dev.end().status == 130)
        }

        @Test func `the dashboard of a session says why a script does not load, until it does`() async throws {
            func script(_ text: String) -> String {
                "return require 'aikit'.workflow { id = 'w' }:step { id = 's', handler = function() \(text) end }:commit()"
            }
            let program = try Program(["w.lua": "return nil +"])
            defer { program.remove() }
            let dev = try LiveProgram(program, "dev", "w.lua", "--ui")
            let before = try dev.wait(for: "the dashboard is at http://127.0.0.1:")
            let port = try #require(Int(dev.wait(for: "/")))
            /// The files that do not load, and the ids of the workflows that are live.
            func list() async throws -> (broken: [Value], live: [String]) {
                let (status, json) = try await ServeTests.Server.ask("GET", "/api/workflows", port: port)
                try #require(status == 200)
                return (json["broken"]?.array ?? [], (json["workflows"]?.array ?? []).compactMap { $0["id"]?.string })
            }
            if !before.contains("nothing is live yet") { try dev.wait(for: "nothing is live yet") }
            var (broken, live) = try await list()
            #expect(broken.count == 1 && live.isEmpty)
            #expect(broken.first?["file"]?.string == "w.lua")
            #expect(broken.first?["error"]?.string?.contains("unexpected symbol") == true, "\(broken)")

            try program.write(script("return 1"), to: "w.lua")
            try dev.wait(for: "✓ w succeeded")
            (broken, live) = try await list()
            #expect(broken.isEmpty && live == ["w"])

            // It fails while it is loaded, and the one before stays live.
            try program.write("error 'no luck'", to: "w.lua")
            try dev.wait(for: "✗ gen 1 stays live")
            (broken, live) = try await list()
            #expect(broken.first?["error"]?.string?.contains("no luck") == true && live == ["w"], "\(broken)")

            try program.write(script("return 1"), to: "w.lua")
            try dev.wait(for: "gen 1 again")
            #expect(try await list().broken.isEmpty)
            #expect(dev.end().status == 130)
        }

        @Test func `a script that is not there is wrong usage`() throws {
            let program = try Program()
            defer { program.remove() }
            let outcome = try program.run("dev", "nowhere.lua")
            #expect(outcome.status == 2)
            #expect(outcome.errors == "nowhere.lua: error: there is no such file\n")
        }

        @Test func `after a storm of saves the last one is live`() throws {
            func script(_ name: String) -> String {
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "storm" }
                  :step { id = "tell", handler = function() print("ran \(name).") return "\(name)" end }
                  :commit()
                """
            }
            let program = try Program(["storm.lua": script("first")])
            defer { program.remove() }
            let path = program.folder.appendingPathComponent("storm.lua").path
            let dev = try LiveProgram(program, "dev", "storm.lua")
            try dev.wait(for: "✓ storm succeeded")
            for save in 1...200 {
                let text = script("save \(save)")
                switch save % 5 {
                case 0: try program.write(text, to: "storm.lua")
                case 1:
                    try program.write(text, to: "storm.lua~")
                    rename(path + "~", path)
                case 2: try program.write(String(text.prefix(text.count / 2)), to: "storm.lua")
                case 3: try? FileManager.default.removeItem(atPath: path)
                default: try program.write(text + "\n+", to: "storm.lua")
                }
            }
            try program.write(script("last"), to: "storm.lua")
            let told = try dev.wait(for: "ran last.")
            try dev.wait(for: "✓ storm succeeded")
            // Whatever went live on the way, it was whole.
            #expect(!told.contains("storm failed"))
            let outcome = dev.end()
            #expect(outcome.status == 130)
            #expect(outcome.output.hasSuffix("\"last\"\n"))
        }

        @Test func `on a terminal keys run again, edit the input, and quit`() throws {
            let program = try Program(["hello.lua": script("Hello")])
            defer { program.remove() }
            try FileManager.default.createDirectory(
                at: program.folder.appendingPathComponent("lib"), withIntermediateDirectories: true)
            try program.write(shout, to: "lib/shout.lua")
            let terminal = try Terminal(program, "dev", "hello.lua", "--input", #"{"name":"Ada"}"#)
            try terminal.wait(for: "r run again")
            terminal.type("r")
            try terminal.wait(for: "hello succeeded in")
            try terminal.wait(for: "r run again")
            terminal.type("i")
            try terminal.wait(for: #"{"name":"Ada"}"#)
            terminal.type("\u{15}{\"name\":\"Bob\"}\r")
            try terminal.wait(for: "hello succeeded in")
            terminal.type("g")
            try terminal.wait(for: "hello.lua:4")
            terminal.type("q")
            let outcome = terminal.finish()
            #expect(outcome.status == 0)
            #expect(outcome.output.split(separator: "\n") == [#""HELLO ADA""#, #""HELLO ADA""#, #""HELLO BOB""#])
        }
    }
}
