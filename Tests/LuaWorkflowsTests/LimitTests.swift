internal import FlatValue
internal import LuaWorkflows
internal import Platform
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// Engines in here stop callbacks after 100 ms of CPU time, handlers after 200 ms, and runs at 1 MiB.
@Suite("Limits of Lua code", .serialized)
struct LimitTests {
    private func run(
        _ source: String, _ input: Value = .emptyObject,
        limits: EngineLimits = EngineLimits(
            callbackTime: .milliseconds(100), handlerTime: .milliseconds(200), runSize: 1 << 20)
    ) async throws -> RunResult {
        let engine = WorkflowEngine(workers: 1, limits: limits)
        defer { engine.shutdown() }
        let script = try await LuaScript.load(source: source, named: "main.lua", on: engine)
        return try await engine.createRun(script.workflows[0]).run(input: input).result()
    }

    private func workflow(_ nodes: String, _ fields: String = "") -> String {
        """
        local aikit = require "aikit"
        local s = aikit.schema
        local function endless() while true do end end
        local function id(x) return x end
        return aikit.workflow { id = "w", \(fields) }\(nodes):commit()
        """
    }

    @Test(arguments: [
        "aikit.sleep(0.005) endless()",
        "aikit.sleep(0.005) while true do pcall(error) end",
        "pcall(function() aikit.sleep(0.005) endless() end) endless()",
        "coroutine.wrap(function() aikit.sleep(0.005) endless() end)()",
        "aikit.all { function() aikit.sleep(0.001) endless() end, function() aikit.sleep(1) end }",
    ])
    func `a timeout holds after a host call`(body: String) async throws {
        let result = try await run(
            workflow(":step { id = 'a', timeout = '100ms', handler = function() \(body) end }"))
        #expect(result.status == .failed)
        #expect(result.error?["code"]?.string == "timeout")
        #expect(result.error?["message"]?.string?.contains("100 ms") == true)
    }

    @Test func `a timeout counts from the start of the attempt`() async throws {
        let start = ContinuousClock.now
        let result = try await run(
            workflow(
                """
                :step { id = 'a', timeout = '300ms', handler = function()
                  local t = os.clock() while os.clock() - t < 0.15 do end
                  aikit.sleep "250ms"
                  endless()
                end }
                """))
        #expect(result.error?["code"]?.string == "timeout")
        #expect(start.duration(to: .now) < .seconds(10))
    }

    @Test(arguments: [
        ("resolve", ":branch { id = 'n', resolve = endless, cases = { a = { id = 'x', handler = id } } }"),
        ("condition", ":loop { id = 'n', condition = endless, step = { id = 'x', handler = id } }"),
        (
            "prepare_next_input",
            ":loop { id = 'n', condition = function() return true end, prepare_next_input = endless, step = { id = 'x', handler = id } }"
        ),
        ("items", ":foreach { id = 'n', items = endless, step = { id = 'x', handler = id } }"),
        (
            "collect",
            ":foreach { id = 'n', items = function() return { 1 } end, collect = endless, step = { id = 'x', handler = id } }"
        ),
        (
            "collect",
            ":loop { id = 'n', condition = function() return false end, collect = endless, step = { id = 'x', handler = id } }"
        ),
        ("aggregate", ":parallel { id = 'n', branches = { a = { id = 'x', handler = id } }, aggregate = endless }"),
        ("next", ":step { id = 'n', handler = id, next = endless }:step { id = 'z', handler = id }"),
        (
            "output",
            ":human { id = 'n', output = endless, input = function(ask) return ask.form { title = 't', fields = {} } end }"
        ),
        ("input", ":human { id = 'n', input = endless }"),
        ("duration", ":delay { id = 'n', duration = endless }"),
    ])
    func `a callback that loops is stopped and named`(name: String, nodes: String) async throws {
        let result = try await run(workflow(nodes))
        #expect(result.status == .failed)
        #expect(result.error?["code"]?.string == "timeout")
        let message = result.error?["message"]?.string ?? ""
        #expect(message.contains("`\(name)` used more than 100 ms of CPU time"), "\(message)")
    }

    @Test func `a run that is cancelled while its workflow's own functions run is cancelled, and no time is made up`()
        async throws
    {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let asked = Gate()
        let source = workflow(
            ":step { id = 'a', handler = id }", "tags = function() print 'asked' endless() end")
        let script = try await LuaScript.load(
            source: source, named: "main.lua", on: engine, options: LuaScriptOptions(print: { _ in asked.open() }))
        let run = engine.createRun(script.workflows[0])
        try run.start()
        await asked.passed()
        run.cancel(reason: "enough")
        let result = try await run.settled().result()
        #expect(result.status == .cancelled, "\(result)")
    }

    @Test func `finalize is stopped like every callback`() async throws {
        let result = try await run(workflow(":step { id = 'a', handler = id }", "finalize = endless"))
        #expect(result.error?["message"]?.string?.contains("`finalize` used more") == true)
    }

    @Test func `a handler without a timeout has one by default, and none where it says so`() async throws {
        let stopped = try await run(workflow(":step { id = 'a', handler = endless }"))
        #expect(stopped.error?["code"]?.string == "timeout")
        #expect(stopped.error?["message"]?.string?.contains("timeout = 0") == true)
        let free = try await run(
            workflow(
                """
                :step { id = 'a', timeout = 0, handler = function()
                  local t = os.clock() while os.clock() - t < 0.4 do end return 1
                end }
                """))
        #expect(free.status == .success)
    }

    @Test func `time in which a handler waits is not charged, and CPU time adds up over its waits`() async throws {
        let waits = try await run(
            workflow(":step { id = 'a', handler = function() aikit.sleep '300ms' return 1 end }"))
        #expect(waits.status == .success)
        let burns = try await run(
            workflow(
                """
                :step { id = 'a', handler = function()
                  for _ = 1, 100 do
                    local t = os.clock() while os.clock() - t < 0.05 do end
                    aikit.sleep '1ms'
                  end
                  return 1
                end }
                """))
        #expect(burns.error?["code"]?.string == "timeout")
    }

    @Test(arguments: [
        ("input", "output_schema = s.any(), input_schema = s.any():refine(endless)"),
        ("output", "output_schema = s.any():refine(endless)"),
        ("output", "output_schema = s.any():transform(endless)"),
        ("output", "output_schema = s.array(s.any():refine(endless))"),
    ])
    func `a timeout stops the functions of a step's schemas`(_: String, schemas: String) async throws {
        let result = try await run(
            workflow(":step { id = 'a', timeout = '50ms', \(schemas), handler = function() return { 1, 2, 3 } end }"))
        #expect(result.error?["code"]?.string == "timeout")
        let steps = result.snapshots(of: "a")
        #expect(steps.first?.status == .failed)
    }

    @Test func `a schema that a handler asks is stopped with it`() async throws {
        let result = try await run(
            workflow(
                """
                :step { id = 'a', timeout = '50ms', handler = function()
                  s.any():refine(endless):safe_parse(1)
                  return 1
                end }
                """))
        #expect(result.error?["code"]?.string == "timeout")
    }

    @Test func `a refinement of the workflow's input that loops fails the run`() async throws {
        let result = try await run(
            workflow(":step { id = 'a', handler = id }", "input_schema = s.any():refine(endless)"))
        #expect(result.status == .failed)
        #expect(result.error?["code"]?.string == "timeout")
    }

    @Test(arguments: [
        (":step { id = 'a', handler = id }", "input_schema = s.any():refine(endless)"),
        (":step { id = 'a', input_schema = s.any():refine(endless), handler = id }", ""),
        (":step { id = 'a', output_schema = s.any():refine(endless), handler = id }", ""),
        (":branch { id = 'b', resolve = endless, cases = { a = { id = 'x', handler = id } } }", ""),
        (":step { id = 'a', handler = function() aikit.sleep '1ms' endless() end }", ""),
    ])
    func `a cancel stops code wherever it is, and is recorded as one`(nodes: String, fields: String) async throws {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let script = try await LuaScript.load(source: workflow(nodes, fields), named: "main.lua", on: engine)
        let run = engine.createRun(script.workflows[0])
        try run.start()
        // Wherever the code is by then: before, in, or between two entries.
        try await Task.sleep(for: .milliseconds(30))
        run.cancel(reason: "enough")
        let result = try await run.finished().result()
        #expect(result.status == .cancelled)
        #expect(result.error?["reason"]?.string == "enough")
    }

    @Test func `a reply and a signal whose checks loop are refused, and the run still waits`() async throws {
        let engine = WorkflowEngine(workers: 1, limits: EngineLimits(callbackTime: .milliseconds(50)))
        defer { engine.shutdown() }
        let script = try await LuaScript.load(
            source: workflow(
                """
                :parallel { id = 'p', branches = {
                  a = aikit.human { id = 'h', response_schema = s.any():refine(endless) },
                  b = aikit.wait_for { id = 'e', event = 'go', response_schema = s.any():refine(endless) },
                } }
                """), named: "main.lua", on: engine)
        let run = engine.createRun(script.workflows[0])
        let record = try await run.run()
        #expect(record.status == .waitingHuman)
        await #expect(throws: RunFailure.self) { _ = try await run.resume(data: 1) }
        await #expect(throws: RunFailure.self) { try await run.signal("go", payload: 1) }
        run.cancel()
        #expect(try await run.finished().status == .cancelled)
    }

    @Test func `a cleanup learns why its step is stopped`() async throws {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let body = """
            local x <close> = setmetatable({}, { __close = function()
              context.store.why = { context.signal.aborted, context.signal.reason or 'none' }
            end })
            """
        let script = try await LuaScript.load(
            source: workflow(
                ":parallel { id = 'p', branches = { a = { id = 'a', handler = function(_, context) \(body) aikit.sleep '10s' end }, "
                    + "b = { id = 'b', handler = function(_, context) \(body) aikit.sleep '1ms' endless() end } } }"),
            named: "main.lua", on: engine)
        let run = engine.createRun(script.workflows[0])
        try run.start()
        try await Task.sleep(for: .milliseconds(50))
        run.cancel(reason: "enough")
        let record = try await run.finished()
        var reasons: [Value] = []
        for index in 0..<record.log.count where record.log[index].kind == .storeSet {
            reasons.append(record.log.copy(record.log[index].payload)?["value"] ?? .null)
        }
        #expect(reasons == [[true, "enough"], [true, "enough"]])
    }

    @Test(arguments: ["1e18", "'300000d'", "-1", "0/0", "'soon'"])
    func `a sleep of no possible length is an error`(length: String) async throws {
        let result = try await run(
            workflow(":step { id = 'a', handler = function() aikit.sleep(\(length)) return 1 end }"))
        #expect(result.status == .failed)
    }

    @Test(arguments: [
        ":loop { id = 'l', condition = function(_, c) return c.iteration < 100 end, step = { id = 'x', handler = function() return ('x'):rep(50000) end } }",
        ":step { id = 'a', handler = function(_, c) for i = 1, 100 do c:emit { type = 't', data = ('x'):rep(50000) } end return 1 end }",
        ":step { id = 'a', handler = function(_, c) for i = 1, 100 do c.store[tostring(i)] = ('x'):rep(50000) end return 1 end }",
        ":foreach { id = 'f', items = function() return { 1, 2, 3, 4, 5, 6, 7, 8 } end, step = { id = 'x', handler = function() return ('x'):rep(100000) end } }",
        ":step { id = 'a', handler = function(_, c) aikit.sleep '1ms' for i = 1, 100 do c:emit { type = 't', data = ('x'):rep(50000) } end aikit.sleep '1ms' return 1 end }",
    ])
    func `a run that records too much fails and says so`(nodes: String) async throws {
        let result = try await run(workflow(nodes))
        #expect(result.status == .failed)
        #expect(result.error?["code"]?.string == "run_too_large")
    }

    @Test func `metadata that one handler changes often is recorded once`() async throws {
        let result = try await run(
            workflow(
                """
                :step { id = 'a', handler = function(_, context)
                  for i = 1, 300 do context:update_metadata(function(m) m['k' .. i] = ('x'):rep(100) return m end) end
                  return 1
                end }
                """))
        #expect(result.status == .success)
        #expect(result.metadata["k300"] != nil)
    }
}
