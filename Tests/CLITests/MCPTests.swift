import Foundation
import Testing

extension CommandLine {
    @Suite("mcp") struct MCP {
        private static let script = """
            local aikit = require "aikit"
            local s = aikit.schema
            local add = aikit.workflow {
              id = "add", description = "Adds two numbers.",
              input_schema = s.object { a = s.number(), b = s.number() },
              output_schema = s.object { sum = s.number() },
            }:step(aikit.step { id = "sum", handler = function(input)
              print("adds")
              return { sum = input.a + input.b }
            end }):commit()
            local ask = aikit.workflow { id = "ask", description = "Asks somebody." }
              :human { id = "lead", response_schema = s.object { ok = s.boolean() } }:commit()
            return { add, ask }
            """

        static func line(_ id: Int, _ method: String, _ params: String = "{}") -> String {
            #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":\#(params)}"# + "\n"
        }

        static let begin = line(
            0, "initialize",
            #"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#)

        private static func messages(_ output: String) throws -> [[String: Any]] {
            try output.split(separator: "\n").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
        }

        /// Speaks with the program until it has given an answer to each id, then closes its input.
        static func talk(
            _ program: Program, _ input: String, ids: [Int], path: String = "w.lua", options: [String] = []
        ) throws -> [[String: Any]] {
            let process = program.process(["mcp", path] + options)
            let (stdin, stdout) = (Pipe(), Pipe())
            process.standardInput = stdin
            process.standardOutput = stdout
            process.standardError = FileHandle.nullDevice
            try process.run()
            stdin.fileHandleForWriting.write(Data(input.utf8))
            var text = ""
            while case let data = stdout.fileHandleForReading.availableData, !data.isEmpty {
                text += String(decoding: data, as: UTF8.self)
                guard text.hasSuffix("\n") else { continue }
                let known = try messages(text).compactMap { $0["id"] as? Int }
                if ids.allSatisfy(known.contains) { break }
            }
            try stdin.fileHandleForWriting.close()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            return try messages(text)
        }

        @Test func `a client calls tools and reads the guides, and nothing else is on standard output`() throws {
            let program = try Program(["w.lua": Self.script])
            defer { program.remove() }
            let input =
                Self.begin + #"{"jsonrpc":"2.0","method":"notifications/initialized"}"# + "\n"
                + Self.line(1, "tools/call", #"{"name":"add","arguments":{"a":2,"b":3}}"#)
                + Self.line(2, "tools/call", #"{"name":"ask","arguments":{}}"#)
                + Self.line(3, "resources/read", #"{"uri":"aikit://reference"}"#) + Self.line(4, "tools/list")
            let answers = try Self.talk(program, input, ids: [0, 1, 2, 3, 4])
            func result(_ id: Int) -> [String: Any]? {
                answers.first { $0["id"] as? Int == id }?["result"] as? [String: Any]
            }
            let sum = result(1)?["structuredContent"] as? [String: Any]
            #expect(sum?["sum"] as? Double == 5)
            let waiting = try #require(result(2)?["structuredContent"] as? [String: Any])
            #expect(waiting["status"] as? String == "waiting_human")
            let contents = result(3)?["contents"] as? [[String: Any]]
            #expect((contents?.first?["text"] as? String)?.contains("aikit.workflow") == true)
            #expect((result(4)?["tools"] as? [Any])?.count == 3)
            // The run that waits is in the store, and goes on after the client is gone.
            let run = try #require(waiting["runId"] as? String)
            let resumed = try program.run("resume", run, "--data", #"{"ok":true}"#)
            #expect(resumed.status == 0)
            #expect(resumed.output.contains(#""ok": true"#))
        }

        @Test func `every guide is a resource`() throws {
            let program = try Program(["w.lua": Self.script])
            defer { program.remove() }
            let answers = try Self.talk(program, Self.begin + Self.line(1, "resources/list"), ids: [0, 1])
            let result = answers.first { $0["id"] as? Int == 1 }?["result"] as? [String: Any]
            let listed = (result?["resources"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
            let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("docs")
            let guides = try FileManager.default.contentsOfDirectory(atPath: docs.path)
                .filter { $0.hasSuffix(".md") }.map { String($0.dropLast(3)) }
            #expect(listed?.sorted() == guides.sorted())
        }

        @Test(arguments: [true, false])
        func `a client that does not read keeps the program from nothing`(closesInput: Bool) throws {
            let big = """
                return require("aikit").workflow { id = "big", description = "Answers a lot." }
                  :step { id = "s", handler = function() return { text = ("x"):rep(1000000) } end }:commit()
                """
            let program = try Program(["w.lua": big])
            defer { program.remove() }
            let process = program.process(["mcp", "w.lua", "--store", "memory"])
            let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
            process.standardInput = stdin
            process.standardOutput = stdout
            process.standardError = stderr
            try process.run()
            let calls = (1...4).map { Self.line($0, "tools/call", #"{"name":"big","arguments":{}}"#) }.joined()
            stdin.fileHandleForWriting.write(Data((Self.begin + calls).utf8))
            // The first answer is there: the program serves.
            #expect(!stdout.fileHandleForReading.readData(ofLength: 200_000).isEmpty)
            if closesInput { try stdin.fileHandleForWriting.close() } else { process.terminate() }
            let end = Date.now + 30
            while process.isRunning, .now < end { Thread.sleep(forTimeInterval: 0.05) }
            #expect(!process.isRunning)
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
        }

        @Test func `what is no message is answered, whatever it is, and an end in the middle is an end`() throws {
            let program = try Program(["w.lua": Self.script])
            defer { program.remove() }
            let huge = #"{"jsonrpc":"2.0","id":1,"x":""# + String(repeating: "x", count: 9 << 20) + "\"}\n"
            let deep = String(repeating: "[", count: 100_000) + "\n"
            let wrong = [
                "nonsense\n", "{}\n", "[]\n", "\n", #"{"jsonrpc":"2.0","id":[1],"method":"x"}"# + "\n", deep, huge,
                #"{"jsonrpc":"2.0","id":"unasked","result":{}}"# + "\n", "\u{0}\n",
                #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}"# + "\n",
                Self.line(2, "tools/call", #"{"name":5}"#), Self.line(3, "nothing"), Self.begin, Self.begin,
                Self.line(4, "tools/call", #"{"name":"add","arguments":7}"#), Self.line(5, "ping"),
            ]
            let answers = try Self.talk(
                program, wrong.joined() + #"{"jsonrpc":"2.0","id":6,"meth"#, ids: [0, 2, 3, 4, 5])
            let codes = answers.compactMap { ($0["error"] as? [String: Any])?["code"] as? Int }
            #expect(codes.filter { $0 == -32700 }.count == 3)
            #expect(codes.contains(-32601))
            #expect(codes.contains(-32602))
            #expect(answers.contains { $0["id"] as? Int == 5 && $0["result"] != nil })
        }
    }
}
