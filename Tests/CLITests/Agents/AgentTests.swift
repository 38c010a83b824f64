import FlatValue
import Foundation
import Platform
import Testing
import WorkflowCore

/// A script whose model is at `BASE`.
private func script(_ provider: FakeProvider, kind: String = "openai", model: String = "", _ body: String) -> String {
    let base = kind == "openai" ? provider.base + "/v1" : provider.base
    return """
        local aikit = require "aikit"
        local s = aikit.schema
        local model = aikit.model {
          provider = "\(kind)", name = "tiny", base_url = "\(base)", api_key = "sk-test", \(model)
          price = { input = 1, output = 2 },
        }
        \(body)
        """
}

private let twoTurns = """
    { "turns": [
      { "tool_calls": [{ "name": "search", "arguments": { "query": "leave" } }] },
      { "text": "You have 25 days of leave." } ] }
    """

private let searcher = """
    local search = aikit.tool {
      id = "search", description = "Search the handbook", input_schema = s.object { query = s.string() },
      handler = function(input) print("searched for " .. input.query) return { "25 days" } end,
    }
    return aikit.agent {
      id = "help", model = model, instructions = "Be brief.", tools = { search },
      prompt = function(input) return input.question end,
    }
    """

private let question = #"{"question":"How much leave?"}"#

extension CommandLine {
    struct AgentTests {
        @Test(arguments: ["openai", "anthropic"])
        func `an agent asks, calls its tool and answers, and what it says is streamed from inside its steps`(
            kind: String
        )
            throws
        {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(twoTurns, in: program)
            try program.write(script(provider, kind: kind, searcher), to: "help.lua")
            let run = try program.run(
                "run", "help.lua", "--input", question, "--allow-model", "--events", "--run-id", "r")
            #expect(run.status == 0, "\(run.errors)")
            let events = try run.output.split(separator: "\n").map { try Value(json: String($0)) }
            let result = try #require(events.last?["result"])
            #expect(result["text"] == "You have 25 days of leave.")
            #expect(result["turns"] == 2)
            #expect(result["finish_reason"] == "stop")
            #expect(result["usage"]?["input_tokens"] == 24)
            #expect(result["usage"]?["output_tokens"] == 10)
            #expect(
                result["messages"]?.array?.map { $0["role"]?.string } == [
                    "system", "user", "assistant", "tool", "assistant",
                ])
            let deltas = events.filter { $0["type"] == "step:delta" && $0["path"] == "help[2]/model" }
            #expect(deltas.compactMap { $0["data"]?["text"]?.string }.joined() == "You have 25 days of leave.")
            #expect(deltas.allSatisfy { $0["sequence"] == nil })
            let first = events.firstIndex { $0["type"] == "step:delta" && $0["path"] == "help[2]/model" }
            let ended = events.firstIndex { $0["type"] == "step:success" && $0["path"] == "help[2]/model" }
            #expect(try #require(first) < (try #require(ended)))
            #expect(events.contains { $0["type"] == "step:start" && $0["path"] == "help[1]/tools[1]/call/search" })
            #expect(provider.requests.count == 2)
            #expect(provider.requests.allSatisfy { $0["key"]?.string?.hasSuffix("sk-test") == true })
            let shown = try program.run("runs", "show", "r")
            #expect(shown.output.contains("24 tokens in, 10 out"), "\(shown.output)")
            let kept = try program.run("runs", "events", "r")
            #expect(!kept.output.contains("step:delta"))
            #expect(kept.output.contains(#""type":"step:model""#))
        }

        @Test func `an answer that does not fit the schema is asked for again, with what is wrong`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(
                #"""
                { "turns": [{ "text": "{\"label\": \"bugs\"}" }, { "text": "```json\n{\"Label\": \"bug\", \"the-reason\": \"crash\"}\n```" }] }
                """#, in: program)
            try program.write(
                script(
                    provider,
                    """
                    return aikit.agent { id = "triage", model = model,
                      output_schema = s.object { label = s.enum { "bug", "question" }, the_reason = s.string():optional() } }
                    """), to: "triage.lua")
            let run = try program.run("run", "triage.lua", "--input", #"{"prompt":"It crashes"}"#, "--allow-model=tiny")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output == "{\n  \"label\": \"bug\",\n  \"the_reason\": \"crash\"\n}\n")
            let requests = provider.requests
            #expect(requests.count == 2)
            let format = requests[0]["body"]?["response_format"]?["json_schema"]
            #expect(format?["strict"] == true)
            #expect(format?["schema"]?["additionalProperties"] == false)
            #expect(requests[1]["body"]?["messages"]?.array?.last?["content"]?.string?.contains("label") == true)
        }

        @Test func `a cancel stops the request on the wire`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(#"{ "turns": [{ "text": "a b c d e f g h", "slow": 5 }] }"#, in: program)
            try program.write(
                script(
                    provider, #"return aikit.agent { id = "slow", model = model, prompt = "Count" }"#), to: "slow.lua")
            let run = try RunningProgram(
                program, "run", "slow.lua", "--allow-model", "--store", "memory", "--log-level", "debug")
            while provider.requests.isEmpty { usleep(10_000) }
            let asked = Date().timeIntervalSince1970
            run.send(SIGINT)
            _ = run.finish()
            while !provider.entries.contains(where: { $0["closed"] != nil }) { usleep(5000) }
            let closed = try #require(provider.entries.first { $0["closed"] != nil }?["time"]?.double)
            #expect(closed - asked < 0.5)
        }

        @Test func `a tool waits for a person, who may refuse it`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(
                """
                { "turns": [{ "tool_calls": [{ "name": "refund", "arguments": { "cents": 900 } }] }, { "text": "Done." }] }
                """, in: program)
            try program.write(
                script(
                    provider,
                    """
                    local refund = aikit.tool { id = "refund", input_schema = s.object { cents = s.integer() },
                      handler = function(input) print("refunds " .. input.cents) return "refunded" end }
                    return aikit.agent { id = "desk", model = model, prompt = "Refund me", tools = { refund }, approve = { "refund" } }
                    """), to: "desk.lua")
            for (id, reply, said) in [
                ("yes", #"{"approved":true}"#, "refunded"),
                ("no", #"{"approved":false,"reason":"too much"}"#, "error: the call was not allowed: too much"),
            ] {
                let run = try program.run("run", "desk.lua", "--allow-model", "--run-id", id)
                #expect(run.status == 3, "\(run.errors)")
                #expect(!run.errors.contains("refunds"))
                let end = try program.run("resume", id, "--data", reply)
                #expect(end.status == 0, "\(end.errors)")
                #expect(end.errors.contains("refunds 900") == (id == "yes"))
                let result = try Value(json: end.output)
                #expect(result["messages"]?.array?.first { $0["role"] == "tool" }?["content"]?.string == said)
            }
        }

        @Test func `all calls of a model share its limit`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(#"{ "turns": [{ "text": "yes" }], "delay": 0.05 }"#, in: program)
            try program.write(
                script(
                    provider, model: "limits = { concurrency = 1 },",
                    """
                    return aikit.workflow { id = "many" }
                      :foreach { id = "each", concurrency = 4, items = function() return { 1, 2, 3, 4 } end,
                        step = { id = "ask", handler = function(item) return model:generate("Is it " .. item .. "?").text end } }
                      :commit()
                    """), to: "many.lua")
            let run = try program.run("run", "many.lua", "--allow-model")
            #expect(run.status == 0, "\(run.errors)")
            let times = provider.requests.compactMap { $0["time"]?.double }.sorted()
            #expect(times.count == 4)
            #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= 0.045 })
        }

        @Test func `an error has the status and the body, and one that passes is tried again`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(
                #"{ "turns": [{ "status": 503, "fails": 1, "retry_after": 0, "tool_calls": [{ "name": "x" }] }, { "status": 418, "message": "short and stout" }] }"#,
                in: program)
            try program.write(
                script(
                    provider, model: #"retry = { initial = "10ms" },"#,
                    #"return aikit.agent { id = "tea", model = model, prompt = "Brew" }"#), to: "tea.lua")
            let run = try program.run("run", "tea.lua", "--allow-model", "--events")
            #expect(run.status == 1)
            let error = try #require(
                run.output.split(separator: "\n").last.flatMap { try? Value(json: String($0)) }?["error"])
            #expect(error["code"] == "model_http")
            #expect(error["message"]?.string?.contains("HTTP 418: short and stout") == true, "\(error.json)")
            #expect(error["details"]?["status"] == 418)
            #expect(error["details"]?["body"]?["error"]?["message"] == "short and stout")
            #expect(provider.requests.map { $0["turn"]?.int } == [0, 0, 1])
        }

        @Test func `a model is called by its own permission or by that of its host alone`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(#"{ "turns": [{ "text": "yes" }] }"#, in: program)
            try program.write(
                script(provider, #"return aikit.agent { id = "a", model = model, prompt = "Go" }"#), to: "a.lua")
            let denied = try program.run("run", "a.lua", "--allow-model=other")
            #expect(denied.status == 1)
            #expect(denied.errors.contains("run with --allow-model=tiny to allow it"))
            #expect(try program.run("run", "a.lua", "--allow-net=127.0.0.1").status == 0)
            #expect(try program.run("run", "a.lua", "--allow-model=ti*").status == 0)
        }

        @Test func `five turns and a kill in each: at most one call more for each kill`() throws {
            let program = try Program()
            defer { program.remove() }
            let turn = #"{ "tool_calls": [{ "name": "search", "arguments": { "query": "x" } }] }"#
            let provider = try FakeProvider(
                "{ \"delay\": 0.02, \"turns\": [\(turn), \(turn), \(turn), \(turn), { \"text\": \"Done.\" }] }",
                in: program)
            try program.write(script(provider, searcher), to: "help.lua")
            let arguments = ["run", "help.lua", "--input", question, "--allow-model", "--run-id", "r"]
            var (kills, asked) = (0, 0)
            while kills < 4 {
                let run = try RunningProgram(program, arguments)
                // Each process is killed while a call of the model is under way, a turn later than the one before.
                while provider.requests.count < asked + 2 { usleep(1000) }
                run.crash()
                kills += 1
                asked = provider.requests.count
            }
            let end = try program.run(arguments)
            #expect(end.status == 0, "\(end.errors)")
            #expect(try Value(json: end.output)["turns"] == 5)
            let count = provider.requests.count
            #expect((5...5 + kills).contains(count), "\(count) calls after \(kills) kills")
        }

        @Test func `a handler asks models and embeds, hears the pieces of an answer, and asks once`() throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(#"{ "turns": [{ "text": "one two" }] }"#, in: program)
            try program.write(
                script(
                    provider,
                    """
                    return aikit.workflow { id = "handler" }
                      :step { id = "ask", retry = { max_attempts = 2, initial = 0 }, handler = function(_, context)
                        local pieces = {}
                        local answer = model:stream { prompt = "Say", on_delta = function(piece)
                          -- The answer is whole before the second piece is looked at.
                          aikit.sleep(0.1)
                          pieces[#pieces + 1] = piece.text
                        end }
                        local vectors = model:embed({ texts = { "a", "bcd" } }).vectors
                        local unrecorded = model:generate { prompt = "Say", record = false }
                        if context.attempt == 1 then error("again after " .. table.concat(pieces, "|")) end
                        return { text = answer.text, vectors = vectors, again = unrecorded.text, pieces = #pieces }
                      end }
                      :commit()
                    """), to: "handler.lua")
            let run = try program.run("run", "handler.lua", "--allow-model", "--run-id", "h")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.contains("again after one| two"))
            let result = try Value(json: run.output)
            #expect(
                result == ["text": "one two", "vectors": [[1.0, 0.5], [3.0, 0.5]], "again": "one two", "pieces": 0])
            #expect(
                provider.requests.map { $0["path"]?.string ?? "" } == [
                    "/v1/chat/completions", "/v1/embeddings", "/v1/chat/completions", "/v1/chat/completions",
                ])
        }

        @Test func `agents are asked over HTTP, and their calls are spans and figures`() async throws {
            let program = try Program()
            defer { program.remove() }
            let provider = try FakeProvider(twoTurns, in: program)
            let prompted = searcher.replacingOccurrences(
                of: "prompt = function(input) return input.question end,", with: "")
            try program.write(script(provider, prompted), to: "help.lua")
            let server = try ServeTests.Server(program, "--allow-model")
            let listed = try await server.ask("GET", "/api/agents")
            #expect(listed.json == ["agents": [["id": "help", "name": "help"]]])
            let empty = try await server.ask("POST", "/api/agents/help/generate", [:])
            #expect(empty.status == 400)
            #expect(empty.json["error"] == "Agent request payload must include either prompt or messages")
            let answer = try await server.ask("POST", "/api/agents/help/generate", ["prompt": "How much leave?"])
            #expect(answer.status == 200, "\(answer.json.json)")
            #expect(answer.json["text"] == "You have 25 days of leave.")
            #expect(answer.json["finishReason"] == "stop")
            #expect(answer.json["toolCalls"]?[0]?["toolName"] == "search")
            #expect(answer.json["toolCalls"]?[0]?["args"] == ["query": "leave"])
            #expect(answer.json["toolResults"]?[0]?["result"] == #"["25 days"]"#)
            #expect(answer.json["totalUsage"]?["totalTokens"] == 34)
            #expect(answer.json["steps"]?.array?.count == 2)
            let id = try #require(answer.json["runId"]?.string)
            let trace = try program.run("runs", "trace", id, "--store", "runs.db", "--json")
            for text in [
                "invoke_agent help", "chat tiny", "execute_tool search", "gen_ai.usage.input_tokens",
                #""langfuse.observation.type""#, "generation", "gen_ai.provider.name",
            ] {
                #expect(trace.output.contains(text), "\(text)")
            }
            server.running.send(SIGTERM)
            _ = server.running.finish()
        }

        @Test func `a person sees why a model is asked again, and programs get it`() throws {
            let program = try Program()
            defer { program.remove() }
            let turns = #"{ "turns": [{ "text": "25 days.", "status": 429, "fails": 1, "retry_after": 2 }] }"#
            let provider = try FakeProvider(turns, in: program)
            let agent = #"return aikit.agent { id = "help", model = model, prompt = "?", stream = false }"#
            try program.write(script(provider, model: #"retry = { initial = "10ms" },"#, agent), to: "help.lua")
            let shown = try program.run("run", "help.lua", "--allow-model", "--store", "memory")
            #expect(shown.status == 0, "\(shown.errors)")
            #expect(shown.errors.contains("help[1]/model: openai tiny: HTTP 429"), "\(shown.errors)")
            #expect(shown.errors.contains("the model is asked again in 2.00 s"), "\(shown.errors)")
        }

        @Test func `a call that does not fit its tool is answered over HTTP as the model wrote it`() async throws {
            let program = try Program()
            defer { program.remove() }
            let turns = """
                { "turns": [
                  { "tool_calls": [{ "name": "search", "arguments": { "q": 1 } }] },
                  { "text": "I cannot tell." } ] }
                """
            let provider = try FakeProvider(turns, in: program)
            let prompted = searcher.replacingOccurrences(
                of: "prompt = function(input) return input.question end,", with: "")
            try program.write(script(provider, prompted), to: "help.lua")
            let server = try ServeTests.Server(program, "--allow-model")
            let answer = try await server.ask("POST", "/api/agents/help/generate", ["prompt": "How much leave?"])
            #expect(answer.status == 200, "\(answer.json.json)")
            #expect(answer.json["toolCalls"]?[0]?["args"] == ["q": 1], "\(answer.json.json)")
            #expect(answer.json["toolResults"]?[0]?["result"]?.string?.contains("do not fit") == true)
            server.running.send(SIGTERM)
            _ = server.running.finish()
        }

        @Test func `agents do in tests what they do with providers`() throws {
            let program = try Program()
            defer { program.remove() }
            let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("Fixtures/agents/agents_test.lua")
            try program.write(try String(contentsOf: fixture, encoding: .utf8), to: "agents_test.lua")
            let tests = try program.run("test", "agents_test.lua")
            #expect(tests.status == 0, "\(tests.errors)")
        }
    }
}
