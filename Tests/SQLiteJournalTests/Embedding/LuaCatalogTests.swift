internal import FlatValue
internal import Foundation
internal import LuaWorkflows
internal import SQLiteJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Scripts whose runs outlive the process that loaded them")
struct LuaCatalogTests {
    /// A program that loads a script and drives its runs.
    private struct Program {
        let store: SQLiteJournal
        let engine: WorkflowEngine
        let scripts: LuaCatalog
        let directory: RunDirectory

        init(_ folder: TemporaryDirectory, clock: any EngineClock = SystemClock()) async throws {
            store = try SQLiteJournal(path: folder.store)
            engine = WorkflowEngine(store: store, workers: 1, clock: clock)
            scripts = LuaCatalog(on: engine)
            try await scripts.load(path: folder.path + "/order.lua")
            directory = try RunDirectory(engine, catalog: scripts)
        }

        func end() async { await engine.shutdown(closing: store) }
    }

    private func write(_ version: String, steps: String = "", to folder: TemporaryDirectory) throws {
        let source = """
            local aikit = require "aikit"
            return aikit.workflow { id = "order", tags = function(input) return { region = input.region } end }
              :step { id = "take", handler = function(input) return input end }
              \(steps)
              :human { id = "ask" }
              :step { id = "close", handler = function(answer) return { version = "\(version)", answer = answer } end }
              :commit()
            """
        try Data(source.utf8).write(to: URL(filePath: folder.path + "/order.lua"))
    }

    @Test func `a run goes on with the code that it began with, though the file has changed`() async throws {
        let folder = try TemporaryDirectory()
        try write("old", to: folder)
        let first = try await Program(folder)
        for (id, region) in [("a", "eu"), ("b", "us"), ("c", "eu")] {
            var request = StartRequest(workflow: "order", input: ["region": Value(region)])
            request.id = id
            _ = try await first.directory.start(request)
            _ = try await first.directory.settled(id)
        }
        await first.end()

        try write("new", to: folder)
        let second = try await Program(folder)
        let directory = second.directory
        try await directory.answer("a", step: nil, data: 1)
        #expect(try await directory.settled("a").record.result().result == ["version": "old", "answer": 1])

        let upgrade = try await directory.upgrade("b", dryRun: true)
        #expect(upgrade.fits && upgrade.steps.map(\.path) == ["take", "ask"])
        _ = try await directory.upgrade("b")
        try await directory.answer("b", step: nil, data: 2)
        #expect(try await directory.settled("b").record.result().result == ["version": "new", "answer": 2])

        // It is moved by another process after it was looked at here.
        let seen = try await directory.header(of: "c")
        let other = try await Program(folder)
        _ = try await other.directory.upgrade("c")
        await other.end()
        let moved = try #require(try await directory.takeUp(seen))
        try await directory.answer("c", step: nil, data: 3)
        #expect(try await moved.finished().result().result == ["version": "new", "answer": 3])

        let fork = try await directory.fork("a", at: .before("close"), as: "d", newest: true)
        #expect(try await fork.finished().result().result == ["version": "new", "answer": 1])
        #expect(try await directory.summary(of: "d")?.lineage == "a")
        await second.end()
    }

    @Test func `runs are found by what the command line finds them by`() async throws {
        let folder = try TemporaryDirectory()
        try write("one", to: folder)
        let program = try await Program(folder)
        let directory = program.directory
        for (id, region) in [("a", "eu"), ("b", "us"), ("c", "eu")] {
            var request = StartRequest(workflow: "order", input: ["region": Value(region)])
            request.id = id
            _ = try await directory.start(request)
            _ = try await directory.settled(id)
        }
        _ = try await directory.cancel("c")
        #expect(try await directory.runs().map(\.id) == ["c", "b", "a"])
        #expect(try await directory.runs(RunQuery(statuses: [.waitingHuman])).map(\.id) == ["b", "a"])
        var query = RunQuery(workflow: "order", limit: 1)
        query.tags = ["region": ["eu"]]
        #expect(try await directory.runs(query).map(\.id) == ["c"])
        query.before = "c"
        #expect(try await directory.runs(query).map(\.id) == ["a"])
        let a = try #require(try await directory.summary(of: "a"))
        #expect(a.status == .waitingHuman && a.tags == ["region": "eu"] && a.owner != nil)
        #expect(a.generation == (try await program.scripts.load(path: folder.path + "/order.lua").generationID))
        query.tags = ["region": [["a": 1]]]
        let failure = await #expect(throws: RunFailure.self) { try await directory.runs(query) }
        #expect(failure?.code == "invalid_tags")

        let events = try await directory.events(of: "a", after: 2)
        guard case .events(let batch)? = await events.next() else {
            Issue.record("there are no events")
            return
        }
        #expect(batch.allSatisfy { $0.sequence > 2 })
        #expect(batch.last?.type == .humanRequested)
        try await directory.delete("c")
        #expect(try await directory.summary(of: "c") == nil)
        await program.end()
    }

    @Test func `what was under way when the process ended goes on by itself`() async throws {
        let folder = try TemporaryDirectory()
        try write("old", steps: #":delay { id = "nap", duration = "1h" }"#, to: folder)
        let began = SystemClock().now()
        let first = try await Program(folder, clock: FixedClock(time: began))
        _ = try await first.directory.start(StartRequest(workflow: "order", input: ["region": "eu"], id: "a"))
        await first.end()
        try write("new", to: folder)
        let second = try await Program(folder, clock: FixedClock(time: began + 2 * 3_600_000_000))
        let (runs, failures) = try await second.directory.recover()
        #expect(runs.map(\.id) == ["a"] && failures.isEmpty)
        let run = try #require(runs.first)
        #expect(second.directory.drivenRun("a") === run)
        #expect(try await run.settled().status == .waitingHuman)
        #expect(try await run.resume(data: 3).result().result == ["version": "old", "answer": 3])
        await second.end()
    }

    @Test func `two scripts with a workflow of one id are refused, a script in place of itself is not`() async throws {
        let engine = WorkflowEngine(workers: 1)
        let scripts = LuaCatalog(on: engine)
        func source(_ id: String) -> String {
            """
            local aikit = require "aikit"
            return aikit.workflow { id = "\(id)" }:step { id = "s", handler = function() end }:commit()
            """
        }
        try await scripts.load(source: source("a"), named: "one.lua")
        let failure = await #expect(throws: RunFailure.self) {
            try await scripts.load(source: source("a"), named: "two.lua")
        }
        #expect(failure?.message == "'two.lua' and 'one.lua' both have a workflow 'a'")
        try await scripts.load(source: source("b"), named: "one.lua")
        #expect(await scripts.workflows().map(\.id) == ["b"])
        await engine.shutdown(grace: .zero)
    }
}

/// A clock that stands.
private struct FixedClock: EngineClock {
    let time: Int64

    func now() -> Int64 { time }
    func skip(to deadline: Int64) -> Bool { false }
}
