import FlatValue
import Foundation
import Platform
import Testing

/// `note` says that it begins, takes its time and writes a file; `ask` does so behind a person, `nest` in a run that it starts.
private let notes = """
    local aikit = require "aikit"
    local function note(given)
      local input = given or {}
      print("notes")
      aikit.sleep(input.nap or 0)
      aikit.fs.write(input.file or "note.txt", "noted")
      return { noted = true }
    end
    local note_flow = aikit.workflow {
      id = "note", hooks = { { id = "in", path = "note" } }, schedules = { { id = "daily", cron = "0 9 1 1 *" } },
    }:step { id = "note", handler = note }:commit()
    local ask = aikit.workflow { id = "ask", description = "Asks before it notes." }
      :human { id = "ok", response_schema = aikit.schema.object { ok = aikit.schema.boolean() } }
      :step { id = "note", handler = function(_, context) return note(context.initial_input) end }
      :commit()
    local nest = aikit.workflow { id = "nest" }
      :step { id = "start", permissions = { write = { "inner.txt" } }, handler = function()
        return aikit.start("note", { file = "inner.txt" }, { wait = true })
      end }
      :commit()
    local function kin(id, permissions)
      return aikit.workflow { id = id }
        :human { id = "ok", response_schema = aikit.schema.object { ok = aikit.schema.boolean() } }
        :step { id = "start", permissions = permissions, handler = function(_, context)
          local file = context.initial_input.file
          return aikit.start("note", { file = file }, { wait = true })
        end }
        :commit()
    end
    local anew = aikit.workflow { id = "anew" }
      :step { id = "once", handler = function(input, context)
        if not input.again then context:restart { again = true } end
        return note(input)
      end }
      :commit()
    return { note_flow, ask, nest, anew, kin("kin"), kin("narrow", { write = { "inner.txt" } }) }
    """

extension CommandLine {
    /// What runs may do that a service began, once it is gone.
    struct ServiceGrantTests {
        private func begin(_ server: ServeTests.Server, _ workflow: String, _ id: String, nap: Double = 0) async throws
        {
            let body: Value = ["inputData": ["nap": Value(nap)], "runId": Value(id)]
            #expect(try await server.ask("POST", "/api/workflows/\(workflow)/runs", body).status == 202)
        }

        /// What each run may do, as the store has it.
        private func granted(_ program: Program) throws -> [String: Value] {
            let list = try Value(json: program.run("runs", "list", "--store", "runs.db", "--json").output)
            return Dictionary(
                uniqueKeysWithValues: (list.array ?? []).map {
                    ($0["runId"]?.string ?? "", $0["permissions"] ?? .null)
                })
        }

        @Test(arguments: [[], ["--isolate"]])
        func `a run of a server that was killed in a step goes on with what it was given`(
            _ options: [String]
        ) async throws {
            let program = try Program(["notes.lua": notes])
            defer { program.remove() }
            let server = try ServeTests.Server(program, serving: ".", ["--allow-write=note.txt"] + options)
            try await begin(server, "note", "n", nap: 1)
            #expect(server.running.hear("notes"))
            server.running.crash()
            #expect(!program.exists("note.txt"))
            let recovered = try program.run("runs", "recover", "--store", "runs.db")
            #expect(recovered.status == 0, "\(recovered.errors)")
            #expect(program.exists("note.txt"))
        }

        @Test func `runs that begin in every way record what they may do`() async throws {
            let program = try Program(["notes.lua": notes])
            defer { program.remove() }
            let server = try ServeTests.Server(program, serving: ".", ["--allow-write=."])
            defer { server.running.send(SIGKILL) }
            try await begin(server, "note", "started")
            try await begin(server, "nest", "parent")
            try await begin(server, "anew", "chain")
            let hooked = try await server.ask("POST", "/hooks/note", [:])
            let timed = try await server.ask("POST", "/api/schedules/daily/trigger")
            #expect(hooked.status == 202 && timed.status == 202, "\(hooked.json.json) \(timed.json.json)")
            for run in ["started", "parent", "chain"] {
                #expect(try await server.ask("GET", "/api/runs/\(run)?wait=10s").json["status"] == "success")
            }
            #expect(
                try await server.ask("POST", "/api/runs/started/fork", ["from": "note", "runId": "f"]).status == 202)
            let all = try granted(program)
            #expect(all.count == 8, "\(all.keys)")
            let folder = program.folder.resolvingSymlinksInPath().path
            for (run, grant) in all {
                let names = grant["write"]?.array?.compactMap(\.string).map {
                    URL(fileURLWithPath: $0).resolvingSymlinksInPath().path
                }
                // The child may do what the step may that started it.
                let isChild = run.hasPrefix("parent") && run != "parent"
                #expect(names == [isChild ? folder + "/inner.txt" : folder], "\(run): \(grant.json)")
            }
        }

        @Test
        func `a server with fewer permissions leaves a run alone and makes none of it, one with more adds nothing`()
            async throws
        {
            let program = try Program(["notes.lua": notes])
            defer { program.remove() }
            let first = try ServeTests.Server(program, serving: ".", ["--allow-write=note.txt"])
            try await begin(first, "note", "n", nap: 1)
            #expect(first.running.hear("notes"))
            first.running.crash()
            let fewer = try ServeTests.Server(program, serving: ".", ["--allow-read"])
            #expect(fewer.running.hear("aikit-lua runs recover n"), "\(fewer.running.said)")
            #expect(
                fewer.running.said.contains(
                    "run n began with permissions that this process was not given: --allow-write="))
            let forked = try await fewer.ask("POST", "/api/runs/n/fork", ["from": "note", "runId": "f"])
            #expect(forked.status == 403 && forked.json["code"] == "permission_denied", "\(forked.json.json)")
            try await begin(fewer, "ask", "a")
            #expect(try await fewer.ask("GET", "/api/runs/a?wait=10s").json["status"] == "waiting_human")
            fewer.running.send(SIGTERM)
            #expect(fewer.running.finish().status == 0)
            let more = try ServeTests.Server(program, serving: ".", ["--allow-all"])
            defer { more.running.send(SIGKILL) }
            #expect(try await more.ask("GET", "/api/runs/n?wait=15s").json["status"] == "success")
            // What this one began with allows it no writing.
            #expect(try await more.ask("POST", "/api/runs/a/resume", ["data": ["ok": true]]).status < 300)
            let ended = try await more.ask("GET", "/api/runs/a?wait=10s").json
            #expect(ended["status"] == "failed" && ended["error"]?["code"] == "permission_denied", "\(ended.json)")
        }

        @Test func `the command that mcp gives for an answer finishes the run`() throws {
            let program = try Program(["notes.lua": notes])
            defer { program.remove() }
            let called = try MCP.talk(
                program,
                MCP.begin + MCP.line(1, "tools/call", #"{"name":"ask","arguments":{}}"#), ids: [0, 1],
                path: "notes.lua",
                options: ["--allow-write=note.txt", "--store", "runs.db"])
            let result = called.first { $0["id"] as? Int == 1 }?["result"] as? [String: Any]
            let waiting = try #require(result?["structuredContent"] as? [String: Any])
            let run = try #require(waiting["runId"] as? String)
            let text = String(
                decoding: try JSONSerialization.data(
                    withJSONObject: result ?? [:], options: [.withoutEscapingSlashes]), as: UTF8.self)
            #expect(text.contains("aikit-lua resume \(run) --store runs.db --step ok"), "\(text)")
            let resumed = try program.run(
                "resume", run, "--store", "runs.db", "--step", "ok", "--data", #"{"ok":true}"#)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(program.exists("note.txt"))
        }

        @Test func `a run of an older version that did not record it is left alone where it needs more`() async throws {
            let program = try Program(["notes.lua": notes])
            defer { program.remove() }
            let server = try ServeTests.Server(program, serving: ".", ["--allow-write=note.txt"])
            try await begin(server, "note", "n")
            try await begin(server, "ask", "a")
            try await begin(server, "ask", "b")
            for run in ["a", "b"] {
                #expect(try await server.ask("GET", "/api/runs/\(run)?wait=10s").json["status"] == "waiting_human")
            }
            try await begin(server, "note", "m", nap: 1)
            let end = Date.now + 10
            while try await server.ask("GET", "/api/runs/m").json["status"] != "running", .now < end {}
            server.running.crash()
            let store = try OtherConnection(program.folder.appendingPathComponent("runs.db").path)
            try store.execute("UPDATE runs SET granted = NULL")
            store.close()
            let recovered = try program.run("runs", "recover", "m", "--store", "runs.db")
            #expect(recovered.status == 3, "\(recovered.errors)")
            #expect(recovered.errors.contains("which did not record them; give it those"), "\(recovered.errors)")
            let answer = ["resume", "a", "--data", #"{"ok":true}"#, "--store", "runs.db"]
            let resumed = try program.run(answer)
            #expect(resumed.status == 3, "\(resumed.errors)")
            #expect(resumed.errors.contains("aikit-lua runs recover a --store runs.db --allow-…"), "\(resumed.errors)")
            let forked = try program.run("runs", "fork", "n", "--from", "note", "--run-id", "f", "--store", "runs.db")
            #expect(forked.status == 3, "\(forked.errors)")
            #expect(forked.errors.contains("aikit-lua runs recover f --store runs.db --allow-…"), "\(forked.errors)")
            for run in ["a", "m", "f"] {
                let given = try program.run("runs", "recover", run, "--store", "runs.db", "--allow-write=note.txt")
                #expect(given.status == 0, "\(given.errors)")
            }
            let wide = try program.run(
                "resume", "b", "--data", #"{"ok":true}"#, "--store", "runs.db", "--allow-write=note.txt")
            #expect(wide.status == 0, "\(wide.errors)")
        }

        @Test(arguments: ["kin", "narrow"], [[], ["--isolate"]])
        func `what a run of an older version starts is left alone with it where it needs more`(
            workflow: String, way: [String]
        ) async throws {
            let program = try Program(["notes.lua": notes])
            defer { program.remove() }
            let server = try ServeTests.Server(program, serving: ".", ["--allow-write=."])
            let runs = ["a": "inner.txt", "b": "inner.txt", "c": "outer.txt"]
            for (run, file) in runs {
                let body: Value = ["inputData": ["file": Value(file)], "runId": Value(run)]
                #expect(try await server.ask("POST", "/api/workflows/\(workflow)/runs", body).status == 202)
                #expect(try await server.ask("GET", "/api/runs/\(run)?wait=10s").json["status"] == "waiting_human")
            }
            server.running.crash()
            let store = try OtherConnection(program.folder.appendingPathComponent("runs.db").path)
            try store.execute("UPDATE runs SET granted = NULL")
            store.close()
            func resume(_ run: String, _ options: String...) throws -> Program.Outcome {
                let answer = ["resume", run, "--data", #"{"ok":true}"#, "--store", "runs.db"]
                return try program.run(answer + options + way)
            }
            let resumed = try resume("a")
            #expect(resumed.status == 3, "\(resumed.errors)")
            #expect(resumed.errors.contains("aikit-lua runs recover a --store runs.db --allow-…"), "\(resumed.errors)")
            let recovered = try program.run(["runs", "recover", "a", "--store", "runs.db"] + way)
            #expect(recovered.status == 3, "\(recovered.errors)")
            #expect(recovered.errors.contains("which did not record them; give it those"), "\(recovered.errors)")
            #expect(!program.exists("inner.txt"))
            let given = try program.run(
                ["runs", "recover", "a", "--store", "runs.db", "--allow-write=inner.txt"] + way)
            #expect(given.status == 0, "\(given.errors)")
            #expect(program.exists("inner.txt"))
            try program.delete("inner.txt")
            #expect(try resume("b", "--allow-write=.").status == 0)
            #expect(program.exists("inner.txt"))
            // What a step says of its own permissions holds for what it starts.
            let outer = try resume("c", "--allow-write=.")
            #expect(outer.status == (workflow == "kin" ? 0 : 1), "\(outer.errors)")
            #expect(program.exists("outer.txt") == (workflow == "kin"))
        }
    }
}
