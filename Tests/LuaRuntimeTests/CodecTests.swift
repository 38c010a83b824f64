import FlatValue
import LuaRuntime
import TestInputs
import Testing
import WorkflowCore

@Suite struct CodecTests {
    @Test(
        arguments: [
            .null, true, false, 0, Value(Int64.max), Value(Int64.min), 1.5, Value(1.0), Value(-0.0),
            Value(Double.greatestFiniteMagnitude), Value(Double.leastNonzeroMagnitude), "", "héllo ✓ 🎉", "nul\0inside",
            [], [1, [2, [3]], .null, "x"], ["a": ["b": ["c": [1]]]], ["": 1], ["with space": 2],
        ] as [Value])
    func `a value comes back as it was, to the byte`(_ value: Value) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let outcome = try test.run("return input", value)
            #expect(outcome.value == value)
            #expect(outcome.value.map(bytes) == bytes(value))
        }
    }

    @Test func `random values come back as they were`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let slot = try test.function("return function(input) return input end")
            var random = SplitMix(seed: 42)
            for _ in 0..<500 {
                let value = randomValue(&random, depth: 0)
                #expect(test.call(slot, value).value == value)
            }
        }
    }

    @Test func `an empty array stays an array and an unmarked table stays unmarked`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            #expect(try test.run("return input", .emptyArray).value?.tag == .array)
            #expect(try test.run("input[1] = nil; return input", [1]).value?.tag == .array)
            #expect(try test.run("return test.array {}").value?.tag == .array)
            #expect(try test.run("return {}").value?.tag == .emptyTable)
        }
    }

    @Test func `null is kept in lists and leaves fields out of objects`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            #expect(try test.run("return { input[1] == test.null, #input }", [.null, 1]).value == [true, 2])
            #expect(try test.run("return { a = test.null, b = 1 }").value == ["b": 1])
            #expect(try test.run("return input.a == nil", ["a": .null]).value == true)
        }
    }

    @Test func `a list in the hash part of a table is still a list`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            #expect(try test.run("return { [3] = 'c', [2] = 'b', [1] = 'a' }").value == ["a", "b", "c"])
        }
    }

    @Test(
        arguments: [
            ("{ items = { 1, 2, { price = 0/0 } } }", "output.items[3].price is not a number (NaN)"),
            ("{ x = math.huge }", "output.x is infinite"),
            ("{ f = print }", "output.f is a function, which JSON cannot hold"),
            ("coroutine.create(print)", "output is a thread, which JSON cannot hold"),
            ("{ 1, 2, nil, 4 }", "output is a list with holes: item 3 is missing, but there is an item 4"),
            ("{ 1, 2, x = 3 }", "output mixes list items and named fields (field \"x\")"),
            ("{ a = { [1.5] = 1 } }", "output.a has a key that is a fractional number; keys are strings, or 1..n"),
            ("{ [true] = 1 }", "output has a key that is a boolean; keys are strings, or 1..n"),
            ("{ [0] = 1 }", "output has the key 0; a list starts at 1"),
            ("{ ['odd key'] = { '\\xff' } }", "output[\"odd key\"][1] is not valid UTF-8"),
            ("{ ['\\xff'] = 1 }", "output has a key that is not valid UTF-8"),
            ("'\\xed\\xa0\\x80'", "output is not valid UTF-8"),
            (
                "(function() local t = {}; t.self = { t }; return t end)()",
                "output.self[1] is the same table as output, which contains it: a cycle"
            ),
            (
                "(function() local t = {}; for i = 1, 200 do t = { t } end; return t end)()",
                "output is nested more than 128 levels deep"
            ),
        ])
    func `what JSON cannot hold is refused with its path`(_ expression: String, _ message: String) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let error = try test.run("return \(expression)").error
            #expect(error?.message == message)
            #expect(error?.code == "invalid_output")
        }
    }

    @Test func `a value beyond the limit is refused with its size limit`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let error = try test.run(
                "local s = ('x'):rep(1 << 20); local t = {}; for i = 1, 200 do t[i] = s end; return t"
            ).error
            #expect(error?.message.hasSuffix("makes the value larger than 64 MiB, the limit of one value") == true)
            #expect(try test.run("return 1").value == 1)
        }
    }

    @Test func `a table shared a hundred times deep ends in an error and not in a hang`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            #expect(try test.run("local t = { 1 }; for i = 1, 100 do t = { t, t } end; return t").error != nil)
        }
    }

    @Test func `metamethods of the script do not run while its output is encoded`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let source = "return setmetatable({ a = 1 }, { __pairs = error, __index = error, __len = error })"
            #expect(try test.run(source).value == ["a": 1])
        }
    }

    @Test func `read-only views encode as what they show`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            #expect(try test.run("return test.readonly { a = { 1, 2 }, b = {} }").value == ["a": [1, 2], "b": [:]])
            let error = try test.run("local t = test.readonly { a = { b = 1 } }; t.a.b = 2").error
            #expect(error?.message.contains("read-only") == true)
        }
    }
}

private func bytes(_ value: Value) -> [UInt8] { value.withBytes { Array($0) } }

/// Random values without empty objects and null fields, which are read back as what they mean.
private func randomValue(_ random: inout SplitMix, depth: Int) -> Value {
    switch Int.random(in: 0..<(depth < 4 ? 8 : 6), using: &random) {
    case 0: return Value(Bool.random(using: &random))
    case 1: return Value(Int64(bitPattern: random.next()))
    case 2: return Value(Double(Int64(bitPattern: random.next())) / 1024)
    case 3: return Value(Int64.random(in: -3...3, using: &random))
    case 4, 5: return Value(randomText(&random))
    case 6:
        return Value(
            array: (0..<Int.random(in: 0...5, using: &random)).map { _ in randomValue(&random, depth: depth + 1) })
    default:
        return Value(
            entries: (1...Int.random(in: 1...6, using: &random)).map { _ in
                (randomText(&random), randomValue(&random, depth: depth + 1))
            })
    }
}

private func randomText(_ random: inout SplitMix) -> String {
    let letters = Array("abcdefgh ÄßÏ✓🎉\0\n\"")
    return String(
        (0..<Int.random(in: 0...40, using: &random)).map { _ in
            letters[Int.random(in: 0..<letters.count, using: &random)]
        })
}
