internal import JSONSchema
import Testing

@testable import aikit_lua

struct DevTextTests {
    @Test func `a reload says what changed, how long it took, and which runs stay behind`() {
        #expect(
            DevText.reloaded(
                7, changed: ["weather.lua", "lib/fmt.lua"], microseconds: 3100, staying: [(generation: 6, runs: 2)])
                == "reloaded gen 7 (weather.lua, lib/fmt.lua) in 3 ms; 2 runs stay on gen 6")
        #expect(
            DevText.reloaded(
                9, changed: ["a.lua"], microseconds: 900,
                staying: [(generation: 6, runs: 2), (generation: 8, runs: 1)])
                == "reloaded gen 9 (a.lua) in 1 ms; 2 runs stay on gen 6, 1 run stays on gen 8")
        #expect(
            DevText.reloaded(1, changed: ["a", "b", "c", "d", "e", "f"], microseconds: 0, staying: [])
                == "loaded gen 1 (a, b, c, d and 2 more) in 0 ms")
    }

    @Test func `runs are counted by generation until they are over`() {
        var runs = DevRuns()
        let first = runs.begin(on: 1)
        let second = runs.begin(on: 1)
        let third = runs.begin(on: 2)
        #expect([first, second, third] == [1, 2, 3])
        #expect(runs.staying(before: 3).map(\.generation) == [1, 2])
        #expect(runs.staying(before: 3).map(\.runs) == [2, 1])
        #expect(runs.end(first)?.generation == 1)
        #expect(runs.end(first) == nil)
        #expect(runs.staying(before: 2).map(\.runs) == [1])
        #expect(runs.isInFlight(third))
    }

    @Test func `each key means one thing, in either case`() {
        #expect(DevKey(.character("r")) == .runAgain)
        #expect(DevKey(.character("Q")) == .quit)
        #expect(DevKey(.control("d")) == .quit)
        #expect(DevKey(.character("?")) == .help)
        #expect(DevKey(.character("x")) == nil)
    }
}
