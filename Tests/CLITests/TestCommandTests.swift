import Foundation
import Platform
import Testing

extension CommandLine {
    struct TestCommandTests {
        /// A workflow that fetches, branches, waits a month and asks a person.
        static let weather = """
            local aikit = require "aikit"
            local s = aikit.schema
            return aikit.workflow { id = "weather", input_schema = s.object { city = s.string():min(1) } }
              :step {
                id = "fetch",
                output_schema = s.object { city = s.string(), wind = s.number() },
                retry = { max_attempts = 3, initial = "1m" },
                handler = function(input, context)
                  local answer = aikit.http.get("https://weather.example/v1", { query = { q = input.city } })
                  context:emit { type = "forecast", data = { city = input.city } }
                  return answer:json()
                end,
              }
              :branch {
                id = "risk", resolve = function(w) return w.wind > 90 and "storm" or "calm" end,
                cases = {
                  storm = { aikit.step { id = "warn", handler = function(w) return { text = "STORM in " .. w.city } end } },
                  calm = { aikit.step { id = "brief", handler = function(w) return { text = w.city .. " is calm" } end } },
                },
              }
              :delay { id = "later", duration = "30d" }
              :human { id = "approve", response_schema = s.object { decision = s.enum { "send", "drop" } } }
              :step { id = "finish", handler = function(reply) return { decision = reply.decision, at = aikit.now() } end }
              :commit()
            """

        /// Runs the tests of a file in a project with the workflow in `weather.lua`.
        func test(_ source: String, _ arguments: String...) throws -> Program.Outcome {
            let program = try Program(["weather.lua": Self.weather, "weather_test.lua": source])
            defer { program.remove() }
            return try program.run(["test"] + arguments)
        }

        @Test func `a whole workflow runs with mocks and answers in virtual time`() throws {
            let outcome = try test(
                """
                local weather = require "weather"
                describe("weather", function()
                  it("warns, a month later", function()
                    local run = test.run(weather, {
                      input = { city = "Oslo" }, mocks = { fetch = { city = "Oslo", wind = 120 } },
                      answers = { approve = { decision = "send" } }, clock = "2026-01-31T09:00:00Z",
                    })
                    expect(run):succeeds { decision = "send", at = 1769850000000 + 30 * 86400000 }
                    expect(run):ran "risk/warn"
                    expect(run).never:ran "brief"
                    expect(run.steps.risk[1].branchId):equals "storm"
                  end)
                  it("stops for a person", function()
                    local run = test.run(weather, { input = { city = "Oslo" }, mocks = { fetch = { city = "x", wind = 1 } } })
                    expect(run):waits_for "approve"
                    run:answer("approve", { decision = "drop" })
                    expect(run.result.decision):equals "drop"
                  end)
                end)
                """)
            #expect(outcome.status == 0)
            #expect(outcome.output.isEmpty)
            #expect(
                outcome.errors.withoutTimes == """
                    weather_test.lua
                      weather
                        ✓ warns, a month later
                        ✓ stops for a person

                    2 passed (1 file, TIME)

                    """)
        }

        @Test func `mocks are functions, errors, and values of one iteration`() throws {
            let outcome = try test(
                """
                local aikit = require "aikit"
                local each = aikit.workflow { id = "each" }
                  :foreach {
                    id = "all", items = function(input) return input.list end,
                    step = aikit.step { id = "call", handler = function(n) return n * 2 end },
                  }
                  :commit()
                it("is a function that fails twice", function()
                  local calls = 0
                  local run = test.run(require "weather", { input = { city = "x" }, mocks = { fetch = function()
                    calls = calls + 1
                    if calls < 3 then error "busy" end
                    return { city = "x", wind = 0 }
                  end } })
                  expect(run):waits_for "approve"
                  expect(calls):equals(3)
                end)
                it("is of one iteration", function()
                  local run = test.run(each, { input = { list = { 1, 2, 3 } }, mocks = { ["all[2]/call"] = 50 } })
                  expect(run.result):equals { 2, 50, 6 }
                end)
                it("is an error", function()
                  local run = test.run(each, { input = { list = { 1 } }, mocks = { call = { error = { code = "no", message = "No." } } } })
                  expect(run):fails_with { code = "no", message = "No." }
                end)
                it("is unknown", function()
                  expect(function() test.run(each, { mocks = { cal = 1 } }) end):fails_with "did you mean 'call'?"
                end)
                """)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        @Test func `a step runs alone with its schemas, its ctx and its store`() throws {
            let outcome = try test(
                """
                local aikit = require "aikit"
                local double = aikit.step {
                  id = "double", input_schema = aikit.schema.object { n = aikit.schema.number() },
                  handler = function(input, context)
                    return { n = input.n * 2, who = context.ctx.who, kept = context.store.kept }
                  end,
                }
                it("doubles", function()
                  expect(double:run({ n = 2 }, { ctx = { who = "me" }, store = { kept = true } })):equals { n = 4, who = "me", kept = true }
                end)
                it("refuses", function()
                  expect(function() double:run { n = "two" } end):fails_with { code = "invalid_input" }
                end)
                """)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        @Test func `a failure shows its line and each difference by its path`() throws {
            let outcome = try test(
                """
                it("compares", function()
                  expect { items = { { name = "Oslo" } }, n = 1 }
                    :equals { items = { { name = "Bergen" } } }
                end)
                """)
            #expect(outcome.status == 1)
            #expect(
                outcome.errors.withoutTimes == """
                    weather_test.lua
                      ✗ compares

                    ✗ compares
                    weather_test.lua:2: error: the values differ in 2 places
                      2 |   expect { items = { { name = "Oslo" } }, n = 1 }
                        |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
                      at .items[1].name
                        expected  "Bergen"
                        got       "Oslo"
                      at .n
                        expected  nil
                        got       1

                    1 failed (1 file, TIME)

                    """)
        }

        @Test func `HTTP is stubbed, and a request that is not is an error that names it`() throws {
            let outcome = try test(
                """
                local weather = require "weather"
                it("is answered", function()
                  local http = test.http { ["GET https://weather.example/v1"] = { json = { city = "Oslo", wind = 3 } } }
                  local run = test.run(weather, { input = { city = "Oslo" } })
                  expect(run):emitted { type = "forecast", data = { city = "Oslo" } }
                  expect(http:requests()[1].url):equals "https://weather.example/v1?q=Oslo"
                end)
                it("answers in order", function()
                  test.http { ["GET https://weather.example/*"] = { { error = "no route" }, { json = { city = "x", wind = 3 } } } }
                  expect(test.run(weather, { input = { city = "x" } })):waits_for "approve"
                end)
                it("is not answered", function()
                  expect(test.run(weather, { input = { city = "x" } })):succeeds()
                end)
                """)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("✓ is answered"))
            #expect(outcome.errors.contains("✓ answers in order"))
            #expect(outcome.errors.contains("unexpected request GET https://weather.example/v1?q=x"))
        }

        @Test func `what was recorded is replayed without the network`() throws {
            var service: WeatherService? = try WeatherService { _ in (200, #"{"city":"Oslo"}"#) }
            let base = try #require(service?.base)
            let program = try Program([
                "fetch.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "fetch" }
                  :step { id = "get", handler = function(url) return aikit.http.get(url):json() end }
                  :commit()
                """,
                "fetch_test.lua": """
                it("fetches", function()
                  local run = test.run(require "fetch", { input = "\(base)/?city=Oslo" })
                  expect(run):succeeds(test.containing { city = "Oslo" })
                end)
                """,
            ])
            defer { program.remove() }
            #expect(try program.run("test").status == 1)
            let recording = try program.run("test", "--record")
            #expect(recording.status == 0, "\(recording.errors)")
            service = nil
            let replay = try program.run("test")
            #expect(replay.status == 0, "\(replay.errors)")
            let cassette = try String(
                contentsOf: program.folder.appendingPathComponent("cassettes/fetch_test.json"), encoding: .utf8)
            #expect(cassette.contains("\"fetches\""))
        }

        @Test func `a test that loops for ever is stopped at its line, and the others run`() throws {
            let outcome = try test(
                """
                local weather = require "weather"
                it("loops", function()
                  while true do end
                end)
                it("loops in a step", function()
                  test.run(weather, { input = { city = "x" }, mocks = { fetch = function()
                    while true do end
                  end } })
                end)
                it("runs", function() end)
                """, "--timeout", "300ms")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("weather_test.lua:3: error: the test took longer than 300 ms"))
            #expect(outcome.errors.contains("weather_test.lua:7: error: the test took longer than 300 ms"))
            #expect(outcome.errors.contains("✓ runs"))
        }

        @Test func `hooks surround tests from the outside in, and what fails in one fails the test`() throws {
            let outcome = try test(
                """
                local log = {}
                local function note(word) return function() log[#log + 1] = word end end
                before_all(note "A") before_each(note "a") after_each(note "z") after_all(function() print(table.concat(log, " ")) end)
                describe("inner", function()
                  before_all(note "B") before_each(note "b") after_each(note "y") after_all(note "Y")
                  it("one", note "1")
                  it("two", function() error "no" end)
                end)
                it("three", note "3")
                """)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("A B a b 1 y z a b y z Y a 3 z\n"))
        }

        @Test func `time does not pass what a test can still answer`() throws {
            let program = try Program([
                "both.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "both" }
                  :parallel { id = "both", branches = {
                    asked = { aikit.wait_for { id = "event", event = "go", timeout = "1h" } },
                    late = { aikit.delay { id = "first", duration = "30m" }, aikit.delay { id = "second", duration = "2d" } },
                    person = { aikit.human { id = "ask", timeout = "3h", response_schema = { type = "object" } } },
                    busy = { id = "busy", handler = function() aikit.sleep("5h") return {} end } } }
                  :commit()
                """,
                "both_test.lua": """
                local both = require "both"
                it("is answered in time", function()
                  local run = test.run(both)
                  expect(run.status):to_equal("running")
                  expect(run:step("first").status):to_equal("success")
                  run:signal("go", { n = 1 })
                  expect(run:step("event").status):to_equal("success")
                  expect(run:step("ask").status):to_equal("waiting_human")
                  run:answer("both[person]/ask", { ok = true })
                  expect(run.status):to_equal("success")
                  expect(run.finishedAt - run.startedAt):to_equal((48 * 60 + 30) * 60000)
                end)
                it("has answers beforehand", function()
                  local run = test.run(both, { signals = { go = 1 }, answers = { ask = { ok = true } } })
                  expect(run.status):to_equal("success")
                end)
                it("lets the time pass where nobody answers", function()
                  local run = test.run(both, { answers = { event = test.nobody, ask = test.nobody } })
                  expect(run.status):to_equal("failed")
                  expect(run.error.code):to_equal("timeout")
                  expect(run.finishedAt - run.startedAt):to_equal(3600000)
                end)
                """,
            ])
            defer { program.remove() }
            let result = try program.run("test")
            #expect(result.status == 0, "\(result.errors)")
        }

        @Test func `a recorded run is replayed, and the first step that goes otherwise is named`() throws {
            let fixture = """
                {
                  "workflow": "weather", "status": "success", "startedAt": 1735689600000, "input": { "city": "Oslo" },
                  "result": { "decision": "send", "at": 1738281600000 },
                  "steps": [
                    { "path": "fetch", "stepId": "fetch", "kind": "step", "status": "success",
                      "input": { "city": "Oslo" }, "output": { "city": "Oslo", "wind": 120 } },
                    { "path": "risk", "stepId": "risk", "kind": "branch", "status": "success", "branchId": "storm",
                      "input": { "city": "Oslo", "wind": 120 }, "output": { "city": "Oslo", "wind": 120 } },
                    { "path": "risk/warn", "stepId": "warn", "kind": "step", "status": "success",
                      "input": { "city": "Oslo", "wind": 120 }, "output": { "text": "STORM in Oslo" } },
                    { "path": "later", "stepId": "later", "kind": "delay", "status": "success",
                      "input": { "text": "STORM in Oslo" }, "output": { "text": "STORM in Oslo" } },
                    { "path": "approve", "stepId": "approve", "kind": "human", "status": "success",
                      "input": { "text": "STORM in Oslo" }, "output": { "decision": "send" } },
                    { "path": "finish", "stepId": "finish", "kind": "step", "status": "success",
                      "input": { "decision": "send" }, "output": { "decision": "send", "at": 1738281600000 } }
                  ]
                }
                """
            let program = try Program([
                "weather.lua": Self.weather, "storm.json": fixture,
                "weather_test.lua":
                    "it('goes as it went', function() test.replay(require 'weather', 'storm.json') end)",
            ])
            defer { program.remove() }
            let same = try program.run("test")
            #expect(same.status == 0, "\(same.errors)")
            try program.write(Self.weather.replacing("w.wind > 90", with: "w.wind > 200"), to: "weather.lua")
            let edited = try program.run("test")
            #expect(edited.status == 1)
            #expect(edited.errors.contains("'risk' chose \"calm\", in the recording \"storm\""))
        }
    }
}
