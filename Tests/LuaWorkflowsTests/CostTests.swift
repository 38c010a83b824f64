import FlatValue
internal import LuaWorkflows
internal import Testing
internal import WorkflowCore

/// What a script does many times costs as much each time, however often it was done before. A cost that grows would make each of
/// these take minutes.
struct CostTests {
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "for i = 1, 20000 do context.store['key' .. i] = i end return context.store.key20000",
            "for i = 1, 20000 do context.store.n = (context.store.n or 0) + 1 end return context.store.n",
            """
            for i = 1, 20000 do
              context.store['key' .. i % 100] = i
              context:emit { type = 'tick', data = i }
              if context.store['key' .. i % 100] ~= i then error 'lost' end
            end
            return 20000
            """,
            """
            for i = 1, 20000 do
              context:emit { type = 'tick', data = i }
              context:update_metadata(function(m) m.n = (m.n or 0) + 1 return m end)
              context:update_ctx(function(c) c.n = (c.n or 0) + 1 return c end)
            end
            return context.ctx.n
            """,
        ])
    func `changes of a run in one call`(body: String) async throws {
        let result = try await Scripts(["main.lua": oneStep(body)]).run()
        #expect(result.result == 20000)
    }

    @Test(.timeLimit(.minutes(1))) func `parallels that fail and stop what lies in them`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            local function branch(id, handler) return { aikit.step { id = id, handler = handler } } end
            return aikit.workflow { id = "failing" }
              :foreach { id = "all", concurrency = 10000, on_error = "continue",
                items = function()
                  local items = {}
                  for n = 1, 10000 do items[n] = n end
                  return items
                end,
                collect = function(results) return #results end,
                step = aikit.parallel { id = "both", branches = {
                  a = branch("fails", function() error "no" end),
                  b = branch("waits", function() aikit.sleep "1h" end) } } }
              :commit()
            """
        ])
        #expect(try await scripts.run().status == .success)
    }

    @Test(.timeLimit(.minutes(1))) func `keys that many steps store`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            return aikit.workflow { id = "keys" }
              :loop { id = "fill", max_iterations = 20000, collect = function(results) return #results end,
                condition = function(_, context) return context.iteration <= 20000 end,
                step = { aikit.step { id = "one", handler = function(_, context)
                  local n = (context.store.count or 0) + 1
                  context.store.count = n
                  context.store["key" .. n] = n
                  return context.store["key" .. (n // 2 + 1)]
                end } } }
              :step { id = "read", handler = function(_, context) return context.store.key12345 end }
              :commit()
            """
        ])
        #expect(try await scripts.run().result == 12345)
    }
}
