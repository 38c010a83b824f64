import Foundation
import Platform
import Testing

@testable import aikit_lua

private func workflow(_ keys: String, handler: String = "return 1") -> String {
    """
    local aikit = require "aikit"
    return aikit.workflow { id = "w", \(keys) }
      :step { id = "a", handler = function() \(handler) end }
      :commit()
    """
}

extension CommandLine {
    /// Whatever runs when a process is asked to stop does not keep it, and nothing is left behind.
    @Suite(.timeLimit(.minutes(2))) struct StoppingTests {
        @Test(arguments: [("on_success", "return 1"), ("on_failure", "error 'x'")])
        func `a completion handler without an end does not keep a run in memory`(
            key: String, handler: String
        ) throws {
            let script = workflow("\(key) = function() print 'spins' while true do end end", handler: handler)
            let program = try Program(["w.lua": script])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "w.lua", "--store", "memory")
            #expect(run.hear("spins"))
            run.send(SIGTERM)
            let stopped = run.finish()
            #expect(stopped.status == 143)
            #expect(stopped.errors.contains("w was given up: its completion handler went on after the stop"))
            let late = try program.run("run", "w.lua", "--store", "memory", "--timeout", "300ms")
            #expect(late.status == 1)
        }

        @Test func `the top level of a test file is stopped`() throws {
            let program = try Program(["a_test.lua": "print 'begins' while true do pcall(error) end"])
            defer { program.remove() }
            let run = try RunningProgram(program, "test", ".")
            #expect(run.hear("begins"))
            run.send(SIGTERM)
            #expect(run.finish().status == 143)
        }

        @Test(arguments: ["before_all", "after_all", "before_each", "after_each"])
        func `hooks of a test file are stopped, and no further ones begin`(hook: String) throws {
            let endless = "function() print 'begins' while true do pcall(error) end end"
            let second = hook == "after_all" ? "" : "after_all(\(endless)) after_each(\(endless))"
            let program = try Program([
                "a_test.lua": "\(hook)(\(endless)) \(second) it('x', function() expect(1):equals(1) end)"
            ])
            defer { program.remove() }
            let run = try RunningProgram(program, "test", ".", "--timeout", "60s")
            #expect(run.hear("begins"))
            run.send(SIGTERM)
            let stopped = run.finish()
            #expect(stopped.status == 143)
            #expect(stopped.errors.split(separator: "\n").count { $0 == "begins" } == 1)
        }

        @Test func `a server that is stopped before it listens ends at once`() throws {
            // Nobody answers there: the keys are waited for.
            let listener = try LoopbackListener()
            let program = try Program(["w.lua": workflow("")])
            defer { program.remove() }
            let keys = "http://127.0.0.1:\(listener.port)/keys"
            let server = try RunningProgram(program, "serve", "w.lua", "--port", "0", "--jwks", keys)
            let caller = accept(listener.socket, nil, nil)
            #expect(caller >= 0)
            defer { close(caller) }
            server.send(SIGTERM)
            #expect(server.finish().status == 143)
        }

        @Test func `a server whose keys are answered without an end listens all the same`() throws {
            let listener = try LoopbackListener()
            let program = try Program(["w.lua": workflow("")])
            defer { program.remove() }
            let keys = "http://127.0.0.1:\(listener.port)/keys"
            let server = try RunningProgram(program, "serve", "w.lua", "--port", "0", "--jwks", keys)
            let caller = accept(listener.socket, nil, nil)
            #expect(caller >= 0)
            defer { close(caller) }
            let head = Array("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".utf8)
            #expect(write(caller, head, head.count) == head.count)
            #expect(server.hear("it has not answered for 10 seconds"), "\(server.said)")
            #expect(server.hear("listening at"), "\(server.said)")
            server.send(SIGTERM)
            #expect(server.finish().status == 0)
        }

        @Test(arguments: [
            ["serve", "--port", "0", "--secrets-command"], ["mcp", "--secrets-command"],
        ])
        func `a command that waits for its secrets ends at once`(words: [String]) throws {
            let program = try Program(["w.lua": workflow("")])
            defer { program.remove() }
            let arguments =
                [words[0], "w.lua", "--store", "memory"] + words.dropFirst()
                + ["echo $$ >pid; echo waits >&2; exec sleep 60"]
            let run = try RunningProgram(program, arguments)
            #expect(run.hear("waits"))
            run.send(SIGTERM)
            #expect(run.finish().status == 143)
            let text = try String(contentsOf: program.folder.appendingPathComponent("pid"), encoding: .utf8)
            let command = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            // It is gone once the signal that it was sent has been delivered.
            var isGone = false
            for _ in 0..<1000 where !isGone {
                isGone = kill(command, 0) != 0
                if !isGone { usleep(10_000) }
            }
            #expect(isGone)
        }

        @Test(arguments: ["serve", "mcp"])
        func `a script that has no end while it is read does not keep a command`(command: String) throws {
            let program = try Program(["w.lua": "print 'begins' while true do pcall(error) end"])
            defer { program.remove() }
            let options = command == "serve" ? ["--port", "0"] : []
            let run = try RunningProgram(program, [command, "w.lua"] + options)
            #expect(run.hear("begins"))
            run.send(SIGTERM)
            #expect(run.finish().status == 143)
        }

        @Test func `the same signal twice in a moment is one wish`() throws {
            let script = workflow("", handler: "print 'sleeps' aikit.sleep(1) return 1")
            let program = try Program(["w.lua": script])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "w.lua", "--run-id", "r")
            #expect(run.hear("sleeps"))
            run.send(SIGINT)
            run.send(SIGINT)
            _ = run.finish()
            #expect(try !program.run("runs", "show", "r", "--json").output.contains("\"cancelled\""))
        }

        @Test func `the command that gives secrets ends with the program`() throws {
            let program = try Program(["w.lua": workflow("")])
            defer { program.remove() }
            let run = try RunningProgram(
                program, "run", "w.lua", "--store", "memory", "--secrets-command",
                "echo $$ >pid; echo begins >&2; exec sleep 600")
            #expect(run.hear("begins"))
            run.send(SIGTERM)
            _ = run.finish()
            let text = try String(contentsOf: program.folder.appendingPathComponent("pid"), encoding: .utf8)
            let pid = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            let deadline = Date(timeIntervalSinceNow: 20)
            // What was killed may not have been waited for by the system's first process.
            while isAlive(pid), Date() < deadline { usleep(20_000) }
            #expect(!isAlive(pid))
        }

        private func isAlive(_ pid: pid_t) -> Bool {
            let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            return stat.map { !$0.contains(") Z ") } ?? false
        }

        @Test func `settings in a pipe are refused at once`() throws {
            let program = try Program(["w.lua": workflow("")])
            defer { program.remove() }
            #expect(mkfifo(program.folder.appendingPathComponent("aikit.json").path, 0o600) == 0)
            let outcome = try program.run("serve", ".", "--port", "0")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("cannot read aikit.json: it is no regular file"))
        }

        @Test func `the id of a run has no control characters, and a word is quoted on one line`() throws {
            let program = try Program(["w.lua": workflow("")])
            defer { program.remove() }
            let outcome = try program.run("run", "w.lua", "--run-id", "a\u{1B}]0;x\u{7}\nb")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("--run-id cannot have control characters"))
            #expect(shellQuoted("a\u{1B}'\nb") == #"$'a\033\'\012b'"#)
            #expect(shellQuoted("a b") == "'a b'")
        }

        @Test(arguments: ["{}", "'high'", "1e308", "1.5"])
        func `a priority that is none ends the run, whether or not anything holds it back`(value: String) throws {
            let program = try Program(["w.lua": workflow("priority = function() return \(value) end")])
            defer { program.remove() }
            let outcome = try program.run("run", "w.lua")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("`priority` returned"))
        }
    }
}
