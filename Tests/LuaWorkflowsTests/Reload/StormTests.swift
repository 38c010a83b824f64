internal import CLuaBridgeTesting
internal import FlatValue
internal import Testing
internal import WorkflowCore

@testable internal import LuaWorkflows
@testable internal import WorkflowEngine

/// Saves of every kind, good and bad, while runs are under way.
struct StormTests {
    private static let saves = 500
    private static let runCount = 20

    private static func script(_ version: Int) -> String {
        """
        local aikit = require "aikit"
        local part = require "part"
        return aikit.workflow { id = "storm" }
          :step { id = "first", handler = function(_, context) context.store.first = \(version) return 1 end }
          :wait_for { id = "pause", event = "go" }
          :step {
            id = "second",
            handler = function(_, context) return { first = context.store.first, second = \(version), part = part } end,
          }
          :commit()
        """
    }

    private struct Flight {
        var run: WorkflowRun
        var version: Int
        var part: Int
    }

    /// What the disk holds, of which a generation is to be made.
    private struct Expected {
        var version = 0
        var part = 0
    }

    @Test(.timeLimit(.minutes(3)))
    func `five hundred saves lead no run astray, let nothing bad go live, and leave no memory behind`() async throws {
        let folder = try ScriptFolder(["releases/0.lua": Self.script(0), "part.lua": "return 0"])
        let engine = WorkflowEngine(workers: 2)
        defer {
            engine.shutdown()
            folder.remove()
        }
        try folder.link("main.lua", to: "releases/0.lua")
        let live = LiveScript(path: folder.path("main.lua"), on: engine, quiet: .zero, pause: { _ in })
        _ = try await live.refreshed()
        var flights: [Flight] = []
        var expected = Expected()
        var number = 1
        var earlyHeap = 0
        for save in 1...Self.saves {
            let isNew = try await perform(save, in: folder, live, &expected)
            if isNew { number += 1 }
            let generation = try #require(live.generation)
            #expect(generation.number == number, "after save \(save)")
            if flights.count < Self.runCount {
                let run = engine.createRun(generation.script.workflows[0])
                _ = try await run.run()
                flights.append(Flight(run: run, version: expected.version, part: expected.part))
            }
            if save == 100 { earlyHeap = Int(lb_heap_bytes()) }
        }
        // The runs hold their generations, 20 at the most; all others have gone.
        let growth = Int(lb_heap_bytes()) - earlyHeap
        #expect(growth < 8 << 20, "the heap grew by \(growth) bytes in the last 400 saves")
        for flight in flights {
            try await flight.run.signal("go")
            let output = try await flight.run.finished().result().result
            #expect(
                output == [
                    "first": Value(Int64(flight.version)), "second": Value(Int64(flight.version)),
                    "part": Value(Int64(flight.part)),
                ])
        }
        // What was saved last is live.
        let last = engine.createRun(try #require(live.generation).script.workflows[0])
        _ = try await last.run()
        try await last.signal("go")
        #expect(try await last.finished().result().result?["second"] == Value(Int64(expected.version)))
    }

    /// Saves in one of the ways; whether a new generation must have come of it.
    private func perform(
        _ save: Int, in folder: ScriptFolder, _ live: LiveScript, _ expected: inout Expected
    ) async throws -> Bool {
        let text = Self.script(save)
        let before = live.generation?.number
        /// What is bad on the disk for a moment does not go live.
        func isRefused() async -> Bool {
            switch await live.refresh() {
            case .failed, .missing, .unchanged: return live.generation?.number == before
            case .live, .restored: return false
            }
        }
        switch save % 8 {
        case 0:
            try folder.write(text, to: "main.lua")
        case 1:
            try folder.replace("main.lua", with: text)
        case 2:
            try folder.write(text, to: "releases/\(save).lua")
            try folder.link("main.lua", to: "releases/\(save).lua")
        case 3:
            try folder.write(String(text.prefix(text.count * (save % 90 + 5) / 100)), to: "main.lua")
            #expect(await isRefused(), "a half-written file went live at save \(save)")
            try folder.write(text, to: "main.lua")
        case 4:
            try folder.write(text + "\n+", to: "main.lua")
            #expect(await isRefused(), "a syntax error went live at save \(save)")
            try folder.write(text, to: "main.lua")
        case 5:
            try folder.delete("main.lua")
            #expect(await isRefused(), "a deleted script changed what is live at save \(save)")
            try folder.write(text, to: "main.lua")
        case 6:
            try folder.replace("part.lua", with: "return \(save)")
            expected.part = save
            _ = try await live.refreshed()
            return true
        default:
            // A touch, which is no save.
            try folder.write(Self.script(expected.version), to: "main.lua")
            #expect(await live.refresh().isUnchanged, "a touch made a generation at save \(save)")
            return false
        }
        expected.version = save
        _ = try await live.refreshed()
        return true
    }
}
