internal import Foundation
internal import JSONSchema
internal import LuaTesting
internal import LuaWorkflows
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// Test files that are run as a whole, without the command line.
@Suite("Test files")
struct TestFileRunnerTests {
    private static let workflow = """
        local aikit = require "aikit"
        return aikit.workflow { id = "greet" }
          :step { id = "wait", handler = function(input) aikit.sleep "30d" return input end }
          :step { id = "greet", handler = function(input, context)
            context:log("warn", "greets", { name = input.name })
            return { text = "Hello " .. input.name }
          end }
          :commit()
        """

    /// Runs `main_test.lua` beside the workflow `greet.lua`.
    private func run(_ test: String, settings: TestSettings = TestSettings()) async throws -> TestFileReport {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(Self.workflow.utf8).write(to: folder.appending(path: "greet.lua"))
        let file = folder.appending(path: "main_test.lua")
        try Data(test.utf8).write(to: file)
        return await TestFileRunner.run(file.path, folders: [folder.path + "/"], settings: settings)
    }

    @Test func `a run starts other workflows of the file, whose time passes too, and takes them with it`() async throws
    {
        let report = try await run(
            """
            local aikit = require "aikit"
            local greet = require "greet"
            local wait = aikit.workflow { id = "wait" }:wait_for { id = "go", event = "go" }:commit()
            local ask = aikit.workflow { id = "ask" }
              :step { id = "ask", handler = function(input)
                local found = aikit.start(greet, { name = input.name }, { wait = true })
                return { found = found.text, waits = aikit.start(wait, {}) }
              end }
              :commit()
            local again = aikit.workflow { id = "again" }
              :step { id = "again", handler = function(input, context)
                if input.n < 3 then context:restart { n = input.n + 1 } end
                return input
              end }
              :commit()
            for n = 1, 3 do
              it("starts others, time " .. n, function()
                local run = test.run(ask, { input = { name = "Ada " .. n } })
                expect(run.result.found):equals("Hello Ada " .. n)
                expect(run.finishedAt - run.startedAt):equals(30 * 86400 * 1000)
              end)
            end
            it("says that there is no such workflow", function()
              local odd = aikit.workflow { id = "odd" }
                :step { id = "odd", handler = function() return aikit.start("gret", {}) end }:commit()
              expect(test.run(odd)):fails_with "did you mean 'greet'?"
            end)
            it("ends in favour of another one", function()
              local run = test.run(again, { input = { n = 1 } })
              expect(run.status):equals "success"
            end)
            """)
        #expect(report.isGood, "\(report.outcomes) \(report.complaints)")
        #expect(report.count(.passed) == 5)
    }

    @Test func `a hook under test gets what a server gives it, and is refused what a server refuses`() async throws {
        let report = try await run(
            """
            local aikit = require "aikit"
            local shop = aikit.workflow { id = "shop", hooks = {
              { id = "plain" },
              { id = "seen", input = function(request) return { json = request.json, head = request.headers["x-n"] } end },
              { id = "named", run_id = function(request) return request.json.id end },
              { id = "told", signal = function(request) return request.json.run, request.json.event end },
            } }:step { id = "s", handler = function(input) return input end }:commit()
            local function hook(...)
              local run, id = test.hook(shop, ...)
              return run and run.result, id
            end
            it("reads the body as JSON, whatever its type", function()
              expect(hook("plain", { body = '{"a":1}' })):equals { a = 1 }
              expect(hook("plain", { body = "junk" })):equals "junk"
              expect(hook("plain", { json = { 1, 2 } })):equals { 1, 2 }
              expect(hook("seen", { body = '{"a":1}', headers = { ["X-N"] = 5, ["Content-Type"] = "text/plain" } }))
                :equals { json = { a = 1 }, head = "5" }
            end)
            it("refuses what says that it is JSON and is none", function()
              local options = { body = "junk", headers = { ["Content-Type"] = "application/json" } }
              expect(function() hook("plain", options) end):fails_with "Invalid JSON payload"
            end)
            it("refuses ids that no run may have", function()
              for _, id in ipairs { "a~b", "", ("x"):rep(300), ".." } do
                expect(function() hook("named", { json = { id = id } }) end):fails_with "what `run_id` returns"
              end
              expect((select(2, hook("named", { json = { id = 7 } })))):equals "7"
              expect((select(2, hook("named", { json = {} })))):is_nil()
            end)
            it("refuses a signal without an event", function()
              expect(function() hook("told", { json = { run = "r" } }) end):fails_with "has to return the id of a run and an event"
            end)
            it("says which option is no part of a request", function()
              expect(function() hook("plain", { headers = "x" }) end):fails_with "test.hook: headers takes a table"
              expect(function() hook("plain", { body = 5 }) end):fails_with "test.hook: body takes a string"
              expect(function() hook("plain", { query = { a = {} } }) end):fails_with "test.hook: query takes names and texts"
              expect(function() hook("plain", { body = "x", json = {} }) end):fails_with "body or json, not both"
            end)
            """)
        #expect(report.isGood, "\(report.outcomes) \(report.complaints)")
        #expect(report.count(.passed) == 5)
    }

    @Test func `what fails is told with its place, what passes is counted, what has no body is skipped`() async throws {
        let report = try await run(
            """
            describe("greet", function()
              it("waits in no time", function()
                expect(test.run(require "greet", { input = { name = "Ada" } }).result):equals { text = "Hello Ada" }
              end)
              it("fails", function() expect(1):equals(2) end)
              it("is to be written")
            end)
            """)
        #expect(report.problem == nil)
        #expect(report.total == 3)
        #expect(report.outcomes.map(\.status) == [.passed, .failed, .skipped])
        #expect(report.outcomes.last?.names == ["greet", "is to be written"])
        #expect(!report.isGood)
        #expect(report.files.count == 2)
    }

    @Test func `a file that does not load is a problem and has no outcomes`() async throws {
        let report = try await run("it('x', function()")
        #expect(report.problem?.code == "syntax")
        #expect(report.outcomes.isEmpty)
    }

    @Test func `only the tests that are asked for run`() async throws {
        var settings = TestSettings()
        settings.filter = "second"
        let report = try await run("it('first', error) it('second', function() end)", settings: settings)
        #expect(report.total == 2)
        #expect(report.outcomes.map(\.status) == [.passed])
    }

    @Test func `what steps log is told, and is among the events of the run`() async throws {
        let told = Mutex<[String]>([])
        var settings = TestSettings()
        settings.log = { record in told.withLock { $0.append("\(record.path): \(record.message)") } }
        let report = try await run(
            """
            it("logs", function()
              local run = test.run(require "greet", { input = { name = "Ada" } })
              local entries = {}
              for _, event in ipairs(run.events) do
                if event.type == "log" then entries[#entries + 1] = event.data end
              end
              expect(entries):equals { { level = "warn", message = "greets", fields = { name = "Ada" } } }
            end)
            """, settings: settings)
        #expect(report.isGood, "\(report.outcomes)")
        #expect(told.withLock { $0 } == ["greet: greets"])
    }

    @Test func `a test that never ends is stopped at its time`() async throws {
        var settings = TestSettings()
        settings.timeout = .milliseconds(100)
        let report = try await run("it('loops', function() while true do end end)", settings: settings)
        #expect(report.outcomes.map(\.status) == [.failed])
    }
}
