internal import Foundation
internal import LuaTesting
internal import LuaWorkflows
internal import Synchronization
internal import Testing
internal import WorkflowTelemetry

/// What `expect(run):traced` and `run:spans()` say of spans that steps make.
@Suite("Spans in tests")
struct SpanScriptTests {
    private func run(_ test: String, _ settings: TestSettings = TestSettings()) async throws -> TestFileReport {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "main_test.lua")
        try Data(test.utf8).write(to: file)
        return await TestFileRunner.run(file.path, folders: [folder.path + "/"], settings: settings)
    }

    @Test func `what is sent of a test lies in traces that no other test has, nor the same one again`() async throws {
        let sent = Mutex<[[Span]]>([])
        var settings = TestSettings()
        settings.export = { spans in sent.withLock { $0.append(spans) } }
        for _ in 0..<2 {
            let report = try await run(
                """
                local aikit = require "aikit"
                local w = aikit.workflow { id = "w" }:step { id = "a", handler = function() return 1 end }:commit()
                for _ = 1, 2 do
                  it("runs", function() test.run(w, { input = 1 }) test.run(w, { input = 2 }) end)
                end
                """, settings)
            #expect(report.isGood, "\(report.outcomes) \(report.complaints)")
        }
        let runs = sent.withLock { $0 }
        #expect(runs.map(\.count) == Array(repeating: 2, count: 8))
        #expect(Set(runs.flatMap { $0.map(\.trace) }).count == 8)
        #expect(Set(runs.flatMap { $0.map(\.id) }).count == 16)
    }

    @Test func `a request lies in the span of the function that made it, whatever runs beside it`() async throws {
        let report = try await run(
            """
            local aikit = require "aikit"
            local w = aikit.workflow { id = "w", telemetry = true }
              :step { id = "a", handler = function(_, context)
                aikit.all {
                  function() context:span("long", function()
                    aikit.sleep "300ms"
                    aikit.http.get "https://a.example/long"
                  end) end,
                  function() aikit.sleep "50ms" aikit.http.get "https://a.example/outside" end,
                  function() context:span("short", function() aikit.http.get "https://a.example/short" end) end,
                }
                return 1
              end }
              :commit()
            it("places requests", function()
              test.http { ["GET https://a.example/*"] = { json = {} } }
              local run = test.run(w, { input = {} })
              local parents = {}
              for _, span in ipairs(run:spans()) do
                local url = span.attributes["url.full"]
                if url then parents[url:match "[^/]*$"] = span.parent end
              end
              expect(parents):equals { long = "long", short = "short", outside = "w.step.a" }
            end)
            """)
        #expect(report.isGood, "\(report.outcomes) \(report.complaints)")
    }

    @Test func `a span that is open when its step is ended ends with it, and says why`() async throws {
        let report = try await run(
            """
            local aikit = require "aikit"
            local late = aikit.workflow { id = "late", telemetry = true }
              :step { id = "a", timeout = "2s", handler = function(_, context)
                context:span("outer", { n = 1 }, function() context:span("inner", function() aikit.sleep "1m" end) end)
              end }
              :commit()
            local beside = aikit.workflow { id = "beside", telemetry = true }
              :parallel { id = "both", branches = {
                a = { { id = "a", handler = function(_, context)
                  context:span("stopped", function() aikit.sleep "1m" end)
                end } },
                b = { { id = "b", handler = function() aikit.sleep "1s" aikit.fail { code = "no", message = "no" } end } },
              } }
              :commit()
            it("of a step whose time is over", function()
              local run = test.run(late, { input = {} })
              expect(run):traced { name = "outer", parent = "late.step.a", status = "error", attributes = { n = 1 } }
              expect(run):traced { name = "inner", parent = "outer", status = "error",
                message = test.matching "^the step ended before it: ", attributes = { ["error.type"] = "timeout" } }
            end)
            it("of a step that another one has stopped", function()
              expect(test.run(beside, { input = {} })):traced { name = "stopped", status = "error",
                message = "the step was cancelled before it ended", attributes = { ["error.type"] = "cancelled" } }
            end)
            """)
        #expect(report.isGood, "\(report.outcomes) \(report.complaints)")
    }

    @Test func `a step says how many of its spans are not shown`() async throws {
        let report = try await run(
            """
            local aikit = require "aikit"
            local w = aikit.workflow { id = "w", telemetry = true }
              :step { id = "spans", handler = function(_, context)
                for _ = 1, 1003 do context:span("own", function() end) end
                return 1
              end }
              :step { id = "requests", handler = function()
                for _ = 1, 1005 do aikit.http.get "https://a.example/" end
                return 1
              end }
              :step { id = "few", handler = function(_, context) return context:span("last", function() return 1 end) end }
              :commit()
            it("counts them", function()
              test.http { ["GET https://a.example/*"] = { json = {} } }
              local run = test.run(w, { input = {} })
              local count, dropped = {}, {}
              for _, span in ipairs(run:spans()) do
                count[span.name] = (count[span.name] or 0) + 1
                dropped[span.name] = span.attributes["ai_kit.workflow.step.dropped_spans"]
              end
              expect(count):contains { own = 1000, GET = 1000, last = 1, ["w.step.spans"] = 1, w = 1 }
              expect(dropped):equals { ["w.step.spans"] = 3, ["w.step.requests"] = 5 }
            end)
            """)
        #expect(report.isGood, "\(report.outcomes) \(report.complaints)")
    }

    @Test func `an expectation of a span that no span could meet says what to write`() async throws {
        let report = try await run(
            """
            local aikit = require "aikit"
            local w = aikit.workflow { id = "w", telemetry = true }
              :step { id = "a", handler = function(_, context) context:log("info", "hi") return 1 end }
              :commit()
            local cases = {
              { { name = 5 }, "`name` takes a string, got a number: write name = \\"w.step.price\\"" },
              { { attributes = "x" }, "`attributes` takes a table, got 'x': write attributes = {" },
              { { attributes = { 1 } }, "`attributes` takes names and values, got a value under 1" },
              { { attributes = { x = print } }, "`attributes['x']` takes a text, a number, a boolean" },
              { { attributes = { x = { "a", 1 } } }, "`attributes['x'][2]` takes a text" },
              { { attributes = { x = { "a", print } } }, "`attributes['x'][2]` takes a text" },
              { { attributes = { x = { y = 1 } } }, "`attributes['x']` takes a text, a number, a boolean, a list of texts or a "
                .. "placeholder such as test.any(), got a table with the key 'y'" },
              { { attributes = { x = 0 / 0 } }, "got NaN" },
              { { attributes = { x = "\\xff" } }, "got text that is not valid UTF-8" },
              { { name = "\\xff" }, "`name` is not valid UTF-8" },
              { { events = { { attributes = { x = { print } } } } }, "`events[1].attributes['x'][1]` takes a text" },
              { { status = "bad" }, "`status` takes one of error, ok, unset, got 'bad'" },
              { { status = true }, "`status` takes one of error, ok, unset, got a boolean" },
              { { kind = "CLIENT" }, "`kind` takes one of client, internal, server, got 'CLIENT'" },
              { { parent = {} }, "`parent` takes a string, got a table" },
              { { message = 1 }, "`message` takes a string, got a number" },
              { { events = "log" }, "`events` takes a table, got 'log': write events = {" },
              { { events = { "log" } }, "`events` takes a list of tables, got a string at 1" },
              { { events = { { name = 1 } } }, "`events[1].name` takes a string, got a number" },
              { { events = { { nam = "log" } } }, "did you mean 'name'?" },
              { { nam = "w" }, "did you mean 'name'?" },
              { {}, "an empty table is a part of any span" },
              { 5, "expected a table, got a number" },
            }
            for index, case in ipairs(cases) do
              it("refuses case " .. index, function()
                local run = test.run(w, { input = {} })
                expect(function() expect(run):traced(case[1]) end):fails_with(case[2])
                expect(function() expect(run).never:traced(case[1]) end):fails_with(case[2])
              end)
            end
            it("takes what a span has, and placeholders", function()
              local run = test.run(w, { input = {} })
              expect(run):traced "w"
              expect(run):traced { name = test.matching "step", status = "ok", kind = "internal", parent = "w",
                events = { { name = "log", attributes = { ["log.level"] = "info" } } },
                attributes = { ["ai_kit.workflow.step.attempt"] = test.any "integer" } }
              expect(run):traced { attributes = test.any "table" }
              expect(run).never:traced { name = "w", status = "error" }
            end)
            """)
        #expect(report.isGood, "\(report.outcomes) \(report.complaints)")
    }
}
