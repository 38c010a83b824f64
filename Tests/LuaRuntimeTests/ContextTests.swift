import CLuaBridge
import FlatValue
import LuaRuntime
import Testing
import WorkflowCore

@Suite struct ContextTests {
    /// A VM whose context has an arena with values in it.
    private final class Setting {
        let test: TestVM
        let arena = UnsafeMutablePointer<ByteArena>.allocate(capacity: 1)
        let effects = UnsafeMutablePointer<ByteArena>.allocate(capacity: 1)
        let store = UnsafeMutablePointer<lb_store_entry>.allocate(capacity: 1)

        init() throws {
            test = try TestVM()
            arena.initialize(to: ByteArena())
            effects.initialize(to: ByteArena())
            test.context.arena = UnsafeMutableRawPointer(arena).assumingMemoryBound(to: lb_bytes.self)
            test.context.effects = UnsafeMutableRawPointer(effects).assumingMemoryBound(to: lb_bytes.self)
            test.context.attempt = 2
            test.context.input = slice(["city": "Oslo"])
            test.context.ctx = slice(["locale": "en", "deep": ["x": 1]])
            test.context.metadata = slice(["team": "ops"])
            store.initialize(to: lb_store_entry(key: raw("count"), value: slice(3)))
            test.context.store = UnsafePointer(store)
            test.context.store_count = 1
        }

        deinit {
            arena.pointee.deallocate()
            effects.pointee.deallocate()
            arena.deallocate()
            effects.deallocate()
            store.deallocate()
        }

        func slice(_ value: Value) -> lb_slice {
            let start = arena.pointee.count
            arena.pointee.write(value)
            return lb_slice(offset: UInt32(start), length: UInt32(arena.pointee.count - start))
        }

        func raw(_ text: String) -> lb_slice {
            let start = arena.pointee.count
            arena.pointee.append(Array(text.utf8).withUnsafeBytes { $0 }.count == 0 ? 0 : Array(text.utf8)[0])
            for byte in text.utf8.dropFirst() { arena.pointee.append(byte) }
            return lb_slice(offset: UInt32(start), length: UInt32(text.utf8.count))
        }

        func run(_ body: String) throws -> TestVM.Outcome {
            let slot = try test.function("local test = require 'test'; return function(input, context) \(body) end")
            return test.call(slot, .null, withContext: true)
        }
    }

    @Test func `an error about a key of the store names it, however long it is`() async throws {
        try await onWorkerThread {
            for length in [1, 100, 146, 147, 150, 151, 155, 300, 100_000, 9_000_000] {
                let outcome = try Setting().run("context.store[('é'):rep(\(length / 2)) .. 'k'] = { a = { print } }")
                let message = try #require(outcome.error?.message)
                #expect(message.contains("is a function") && message.contains("context.store."), "\(length)")
                #expect(message.utf8.count < 240 && !message.contains("\u{FFFD}"), "\(length): \(message)")
                let isCut = message.hasSuffix("... is a function, which JSON cannot hold")
                #expect(isCut == (length > 140), "\(length): \(message)")
            }
        }
    }

    @Test func `fields come from the host's struct`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            let value = try setting.run(
                "return { context.attempt, context.input.city, context.ctx.locale, context.store.count, context.iteration == nil, context.signal.aborted }"
            ).value
            #expect(value == [2, "Oslo", "en", 3, true, false])
        }
    }

    @Test func `a table field is the same table at each look`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            #expect(try setting.run("return context.input == context.input").value == true)
        }
    }

    @Test func `ctx cannot be changed in place`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            #expect(
                try setting.run("context.ctx.deep.x = 2").error?.message
                    == "script.lua:1: context.ctx is read-only: use context:update_ctx(function(ctx) ctx.x = …; return ctx end)"
            )
            #expect(
                try setting.run("context.attempt = 2").error?.message
                    == "script.lua:1: context.attempt cannot be assigned")
        }
    }

    @Test func `writes are effects, and reads see them first`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            let value = try setting.run(
                """
                local store = context.store
                store.count = store.count + 1
                store.fresh = { 1 }
                local seen = {}
                for key, value in pairs(store) do seen[key] = value end
                store.fresh = nil
                test.bridge.context_effect(context, "metadata", nil, { team = "dev" })
                return { store.count, seen, store.fresh == nil, test.bridge.context_get(context, "metadata") }
                """
            ).value
            #expect(value == [4, ["count": 4, "fresh": [1]], true, ["team": "dev"]])
            let kinds = try effectKinds(setting.effects.pointee)
            #expect(kinds == ["4 count", "4 fresh", "2 "])
        }
    }

    @Test(arguments: [
        ("store.t = { list = {} } store.t.list[1] = 'a' store.t.n = 1", #"{"list":["a"],"n":1}"#),
        ("local t = {} store.t = t t.late = true", #"{"late":true}"#),
        (
            "store.t = { a = { b = 1 }, c = 2 } store.t.a.b = nil store.t.c = nil store.t.d = test.array {}",
            #"{"a":{},"d":[]}"#
        ),
        ("store.t = { 1, 2 } table.remove(store.t)", "[1]"),
        ("store.t = { a = 1 } store.t.a = 1.0", #"{"a":1.0}"#),
        ("store.t = { a = 1 } local t = store.t store.t = { b = 2 } t.a = 3", #"{"b":2}"#),
        (
            "store.t = { a = 1 } for _, value in pairs(store) do if type(value) == 'table' then value.a = 5 end end",
            #"{"a":5}"#
        ),
    ])
    func `what is written into a table of the store is kept`(body: String, expected: String) async throws {
        try await onWorkerThread {
            let setting = try Setting()
            #expect(try setting.run("local store = context.store \(body)").error == nil)
            #expect(try storedValues(setting.effects.pointee).last == Value(json: expected))
        }
    }

    @Test func `tables of the store that were only looked at leave no effect`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            setting.store.pointee.value = setting.slice([
                "a": [1, 2.5, "x", true], "b": [:], "c": Value(array: []), "d": .null,
            ])
            let value = try setting.run(
                """
                local t = context.store.count
                t.a[1] = 7 t.a[1] = 1 t.new = 1 t.new = nil
                for _ in pairs(context.store) do end
                return { context.store.count == t, #t.a }
                """
            ).value
            #expect(value == [true, 4])
            #expect(setting.effects.pointee.count == 0)
        }
    }

    @Test func `what JSON cannot hold is refused when the call ends`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            #expect(
                try setting.run("context.store.t = {} context.store.t.f = print return 1").error?.message
                    == "context.store.t.f is a function, which JSON cannot hold")
            // An error of the handler's own comes first.
            #expect(
                try setting.run("context.store.t = {} context.store.t.f = print error 'mine'").error?.message
                    == "script.lua:1: mine")
        }
    }

    @Test func `others see what was written before a call waits`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            setting.store.pointee.value = setting.slice(["n": 1])
            let slot = try setting.test.function(
                """
                local test = require 'test'
                return function(input, context)
                  local own = context.store.count
                  own.n = own.n + 1
                  test.wait(1)
                  -- Another step has stored something meanwhile.
                  assert(context.store.count.other and context.store.count ~= own)
                  own.mine = true
                end
                """)
            let waiting = try #require(setting.test.call(slot, .null, withContext: true).waiting)
            #expect(try storedValues(setting.effects.pointee) == [["n": 2]])
            setting.effects.pointee.count = 0
            setting.store.pointee.value = setting.slice(["other": 1])
            #expect(setting.test.answer(waiting, .null).value == .null)
            // The table that was looked up first is written as if it were assigned.
            #expect(try storedValues(setting.effects.pointee) == [["n": 2, "mine": true]])
        }
    }

    @Test func `what a call has changed is found among many effects`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            let value = try setting.run(
                """
                local store, bridge = context.store, test.bridge
                for i = 1, 500 do
                  store["key" .. i] = i
                  bridge.context_effect(context, "emit", "tick", i)
                  if i % 2 == 0 then bridge.context_effect(context, "metadata", nil, { i = i }) end
                  assert(store["key" .. i] == i and store["key" .. (i // 2 + 1)] == i // 2 + 1)
                end
                for i = 1, 500, 2 do store["key" .. i] = nil end
                store.key2 = "again"
                local left = 0
                for _ in pairs(store) do left = left + 1 end
                return { left, store.key1 == nil, store.key2, store.key500, store.count,
                  bridge.context_get(context, "metadata").i, context.ctx.locale }
                """
            ).value
            #expect(value == [251, true, "again", 500, 3, 500, "en"])
        }
    }

    @Test func `a change that is replaced at once leaves one effect`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            let value = try setting.run(
                """
                for i = 1, 100000 do context.store.n = (context.store.n or 0) + 1 end
                for i = 1, 1000 do test.bridge.context_effect(context, "ctx", nil, { i = i }) end
                local ok = pcall(function() context.store.n = print end)
                return { context.store.n, context.ctx.i, ok }
                """
            ).value
            #expect(value == [100000, 1000, false])
            #expect(try effectKinds(setting.effects.pointee) == ["4 n", "3 "])
        }
    }

    @Test func `a call makes so many effects that the host can take them at once`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            let outcome = try setting.run(
                """
                local bridge, made = test.bridge, 0
                local ok, error = pcall(function()
                  while true do
                    bridge.context_effect(context, "emit", "x", 1)
                    made = made + 1
                    if made % 3 == 0 then
                      bridge.context_effect(context, "ctx", nil, { made = made })
                      bridge.context_effect(context, "ctx", nil, { made = made })
                    end
                  end
                end)
                local _, again = pcall(bridge.context_effect, context, "emit", "x", 1)
                return { made, error.code, again.code }
                """)
            #expect(outcome.value == [187_500, "too_many_effects", "too_many_effects"])
            #expect(try effectKinds(setting.effects.pointee).count == 250_000)
        }
    }

    @Test func `an effect that cannot be encoded leaves none behind`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            #expect(
                try setting.run("context.store.bad = { f = print }").error?.message
                    == "context.store.bad.f is a function, which JSON cannot hold")
            #expect(setting.effects.pointee.count == 0)
        }
    }

    @Test func `a context is dead once its step has ended`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            let slot = try setting.test.function(
                """
                local kept
                return function(input, context)
                  if kept then return kept.attempt end
                  kept = context
                end
                """)
            #expect(setting.test.call(slot, withContext: true).value == .null)
            #expect(
                setting.test.call(slot, withContext: true).error?.message
                    == "script.lua:3: a context was used after its step had ended")
        }
    }

    @Test func `a misspelt field is an error with a hint`() async throws {
        try await onWorkerThread {
            let setting = try Setting()
            #expect(
                try setting.run("return context.atempt").error?.message
                    == "script.lua:1: context has no field 'atempt' (did you mean 'attempt'?)")
            #expect(
                try setting.run("context:emti {}").error?.message
                    == "script.lua:1: context has no field 'emti' (did you mean 'emit'?)")
        }
    }
}

/// The values of all records that change the store.
private func storedValues(_ arena: ByteArena) throws -> [Value] {
    var values: [Value] = []
    var at = 0
    let bytes = arena.bytes
    func word(_ offset: Int) -> Int { Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    while at < bytes.count {
        let start = at + 9 + word(at + 1)
        let length = word(start - 4)
        if bytes[at] == UInt8(LB_EFFECT_STORE) {
            values.append(Value(ValueCursor(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)]))))
        }
        at = start + length
    }
    return values
}

/// "kind name" of each effect record.
private func effectKinds(_ arena: ByteArena) throws -> [String] {
    var kinds: [String] = []
    var at = 0
    let bytes = arena.bytes
    func word(_ offset: Int) -> Int { Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    while at < bytes.count {
        let nameLength = word(at + 1)
        let name = String(decoding: bytes[(at + 5)..<(at + 5 + nameLength)], as: UTF8.self)
        kinds.append("\(bytes[at]) \(name)")
        at += 9 + nameLength + word(at + 5 + nameLength)
    }
    return kinds
}
