import Foundation
import Testing

private let modules = """
    local aikit = require "aikit"
    return aikit.workflow { id = "modules" }
      :step { id = "work", handler = function()
        local fs, crypto, time = aikit.fs, aikit.crypto, aikit.time
        fs.write("data/rows.csv", aikit.csv.format { { name = "Ada", city = "A, B" } })
        local rows = aikit.csv.parse(fs.read "data/rows.csv", { header = true })
        fs.append("data/log", "one\\r\\ntwo\\n")
        local lines = {}
        for line in fs.lines "data/log" do lines[#lines + 1] = line end
        local echo = aikit.exec { "cat", stdin = "fed\\0\\255" }
        return {
          rows = rows, lines = lines, echoed = #echo.stdout, status = echo.status,
          stage = aikit.env.get "STAGE", none = aikit.env.get("STAGE_NONE", "none"),
          found = fs.glob "data/*", size = fs.stat("data/log").size,
          sha256 = crypto.sha256 "abc", md5 = crypto.md5 "abc", sha1 = crypto.sha1("abc", "base64"),
          hmac = crypto.hmac("sha256", "key", "The quick brown fox jumps over the lazy dog"),
          long = crypto.hmac("sha512", ("k"):rep(200), "x") == crypto.hmac("sha512",
            crypto.sha512(("k"):rep(200), "bytes"), "x"),
          oslo = time.format(1798131845000, nil, "Europe/Oslo"),
          text = aikit.text.template("{{name}}", { name = "Ada" }),
        }
      end }
      :commit()
    """

private let pause = """
    local aikit = require "aikit"
    return aikit.workflow { id = "pause" }
      :human { id = "ask", response_schema = aikit.schema.object { ok = aikit.schema.boolean() } }
      :step { id = "read", handler = function(_, context) return { text = aikit.fs.read "data/a" } end }
      :commit()
    """

extension CommandLine {
    struct HostModuleTests {
        private func program(_ files: [String: String]) throws -> Program {
            let program = try Program(files)
            try FileManager.default.createDirectory(
                at: program.folder.appendingPathComponent("data"), withIntermediateDirectories: true)
            return program
        }

        @Test func `modules work where they are allowed, together`() throws {
            let program = try program(["modules.lua": modules])
            defer { program.remove() }
            var environment = ProcessInfo.processInfo.environment
            environment["STAGE"] = "test"
            let outcome = try program.run(
                [
                    "run", "modules.lua", "--store", "memory", "--allow-read=data", "--allow-write=data",
                    "--allow-run=cat", "--allow-env=STAGE*",
                ], environment: environment)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let result = try #require(
                JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
            #expect(result["rows"] as? [[String: String]] == [["name": "Ada", "city": "A, B"]])
            #expect(result["lines"] as? [String] == ["one", "two"])
            #expect(result["echoed"] as? Int == 5)
            #expect(result["status"] as? Int == 0)
            #expect(result["stage"] as? String == "test")
            #expect(result["none"] as? String == "none")
            #expect(result["found"] as? [String] == ["data/log", "data/rows.csv"])
            #expect(result["size"] as? Int == 9)
            #expect(
                result["sha256"] as? String == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
            #expect(result["md5"] as? String == "900150983cd24fb0d6963f7d28e17f72")
            #expect(result["sha1"] as? String == "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")
            #expect(
                result["hmac"] as? String == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8")
            #expect(result["long"] as? Bool == true)
            #expect(result["oslo"] as? String == "2026-12-24T18:04:05+01:00")
            #expect(result["text"] as? String == "Ada")
            #expect(try program.run("run", "modules.lua", "--store", "memory", "-A").status == 0)
        }

        @Test(
            arguments: [
                (#"aikit.fs.read "x""#, "--allow-read="), (#"aikit.fs.write("x", "")"#, "--allow-write="),
                (#"aikit.env.get "X""#, "--allow-env=X"), (#"aikit.env.all()"#, "--allow-env"),
                (#"aikit.exec { "ls" }"#, "--allow-run=ls"),
            ])
        func `a call that is not allowed names its flag`(call: String, flag: String) throws {
            let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:step { id = "s", handler = function() \(call) end }:commit()
                """
            let program = try program(["w.lua": script])
            defer { program.remove() }
            let outcome = try program.run("run", "w.lua", "--store", "memory")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("is not allowed; run with \(flag)"))
        }

        @Test func `a run goes on with what it began with, wherever from, and no more`() throws {
            let program = try program(["pause.lua": pause])
            defer { program.remove() }
            try program.write("kept", to: "data/a")
            #expect(try program.run("run", "pause.lua", "--run-id", "p", "--allow-read=data").status == 3)
            #expect(try program.run("run", "pause.lua", "--run-id", "q").status == 3)
            let shown = try program.run("runs", "show", "p").output
            #expect(shown.contains("--allow-read=") && shown.contains("/data"))
            let resumed = try program.run("resume", "p", "--data", #"{"ok":true}"#)
            #expect(resumed.status == 0)
            #expect(resumed.output.contains("kept"))
            let denied = try program.run("resume", "q", "--data", #"{"ok":true}"#)
            #expect(denied.status == 1)
            #expect(denied.errors.contains("is not allowed; run with --allow-read="))
        }
    }
}
