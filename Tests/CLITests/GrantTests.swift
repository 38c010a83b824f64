import FlatValue
import Foundation
import Platform
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

        private static let tools = """
            local aikit = require "aikit"
            return aikit.workflow { id = "tools" }
              :human { id = "approve", response_schema = aikit.schema.object { ok = aikit.schema.boolean() } }
              :step { id = "use", handler = function(_, context)
                local root = context.initial_input.root
                return {
                  tool = aikit.exec { root .. "/tool.sh" }.stdout, text = aikit.fs.read(root .. "/data/a.txt"),
                  here = select(2, pcall(aikit.fs.read, "data/a.txt")).message,
                }
              end }
              :commit()
            """

        /// Scripts with a program and a file, and a folder beside them.
        private func project(_ files: [String: String] = [:]) throws -> Program {
            let program = try Program(files)
            for folder in ["project", "project/data", "other"] {
                try FileManager.default.createDirectory(
                    at: program.folder.appendingPathComponent(folder), withIntermediateDirectories: false)
            }
            try program.write(Self.tools, to: "project/tools.lua")
            try program.write("text", to: "project/data/a.txt")
            try program.write("#!/bin/sh\necho ran", to: "project/tool.sh")
            let tool = program.folder.appendingPathComponent("project/tool.sh").path
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool)
            return program
        }

        @Test func `paths of a run are those of the folder in which it began`() throws {
            let program = try project()
            defer { program.remove() }
            let root = program.folder.appendingPathComponent("project").path
            func call(in folder: String, _ arguments: String...) throws -> Program.Outcome {
                var inner = program
                inner.folder = program.folder.appendingPathComponent(folder)
                return try inner.run(arguments)
            }
            let begun = try call(
                in: "project", "run", "tools.lua", "--run-id", "t", "--input", #"{"root":"\#(root)"}"#,
                "--allow-read=data", "--allow-run=./tool.sh")
            #expect(begun.status == 3, "\(begun.errors)")
            let store = "../project/.aikit/runs.db"
            let shown = try call(in: "other", "runs", "show", "t", "--store", store).output
            #expect(shown.contains("--allow-read=\(root)/data --allow-run=\(root)/tool.sh"), "\(shown)")
            let resumed = try call(in: "other", "resume", "t", "--data", #"{"ok":true}"#, "--store", store)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(resumed.output.contains(#""tool": "ran\n""#) && resumed.output.contains(#""text": "text""#))
            // A script's own relative path is one of the folder in which the process works, which is said.
            #expect(resumed.output.contains("go on with the run in \(root)\""), "\(resumed.output)")
        }

        @Test func `paths of aikit_json are those of its folder`() async throws {
            let program = try project()
            defer { program.remove() }
            let root = program.folder.appendingPathComponent("project").path
            try program.write(
                #"{"allowRead": ["data"], "allowRun": "./tool.sh"}"#,
                to: "project/aikit.json")
            let server = try ServeTests.Server(program, serving: "project", [])
            defer { server.running.send(SIGKILL) }
            let body: Value = ["inputData": ["root": Value(root)], "runId": "t"]
            #expect(try await server.ask("POST", "/api/workflows/tools/runs", body).status == 202)
            #expect(try await server.ask("GET", "/api/runs/t?wait=10s").json["status"] == "waiting_human")
            // Whoever answers, the server drives the run.
            let resumed = try program.run("resume", "t", "--data", #"{"ok":true}"#, "--store", "runs.db")
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(resumed.output.contains(#""tool": "ran\n""#) && resumed.output.contains(#""text": "text""#))
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
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
