internal import FlatValue
internal import LuaWorkflows
internal import MemoryJournal
internal import SQLiteJournal
internal import Testing
internal import WorkflowCore

@testable internal import WorkflowEngine

/// Runs of two engines over one store, as of two processes.
@Suite("Runs of several processes that wait for each other's places")
struct CircleOverStoresTests {
    enum Kind: CaseIterable { case memory, sqlite }

    /// `pair`, of which two may be under way, waits for an event and then for a run of a workflow, if its input names one.
    private static let script = """
        local aikit = require "aikit"
        local function pair(id, limit)
          return aikit.workflow { id = id, concurrency = { limit = limit } }
            :step { id = "keep", handler = function(input, context) context.store.starts = input.starts return input end }
            :branch { id = "way", resolve = function(input) return input.starts and "deep" or "flat" end, cases = {
              deep = {
                aikit.wait_for { id = "go", event = "go" },
                aikit.step { id = "start", handler = function(_, context)
                  local ok, result = pcall(aikit.start, context.store.starts, {}, { wait = true })
                  return ok and result or result.code
                end },
              },
              flat = { aikit.step { id = "quick", handler = function() return "done" end } },
            } }
            :commit()
        end
        return { pair("pair", 2), pair("left", 1), pair("right", 1) }
        """

    private struct Process {
        let store: any RunStore
        let engine: WorkflowEngine
        let directory: RunDirectory

        init(_ store: any RunStore) async throws {
            self.store = store
            engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: store)
            let scripts = LuaCatalog(on: engine)
            try await scripts.load(source: CircleOverStoresTests.script, named: "pair.lua")
            directory = try RunDirectory(engine, catalog: scripts)
        }

        /// Starts a run that this engine drives, and returns when it waits for its event.
        func begin(_ id: String, of workflow: String, starting other: String) async throws {
            var request = StartRequest(workflow: workflow, input: ["starts": Value(other)])
            request.id = id
            _ = try await directory.start(request)
            await QueueService(directory).begin()
            #expect(try await directory.settled(id, within: .seconds(30)).record.status == .waiting)
            #expect(try await store.header(of: id)?.owner?.isSelf == true)
        }

        /// Lets a run go on, and returns when the run that it starts waits in the queue.
        func go(_ id: String) async throws {
            try await directory.signal(id, "go")
            while try await store.list(RunFilter(lineage: id)).first?.isHeld != true {
                try await Task.sleep(for: .milliseconds(5))
            }
        }

        func result(of id: String) async throws -> String? {
            try await directory.settled(id, within: .seconds(60)).record.result().result?.string
        }

        func end() async {
            await engine.shutdown(grace: .seconds(5))
            await store.close()
        }
    }

    private func processes(_ kind: Kind, _ folder: TemporaryDirectory) async throws -> (Process, Process) {
        let memory = MemoryStore()
        func store() throws -> any RunStore {
            switch kind {
            case .memory: MemoryJournal(memory)
            case .sqlite: try SQLiteJournal(path: folder.store)
            }
        }
        return (try await Process(try store()), try await Process(try store()))
    }

    @Test(
        .timeLimit(.minutes(2)), arguments: Kind.allCases,
        [[("pair", "pair"), ("pair", "pair")], [("left", "right"), ("right", "left")]])
    func `the newest wait is refused, and the others go on`(
        _ kind: Kind, _ runs: [(workflow: String, starts: String)]
    ) async throws {
        let folder = try TemporaryDirectory()
        let (first, second) = try await processes(kind, folder)
        try await first.begin("r0", of: runs[0].workflow, starting: runs[0].starts)
        try await second.begin("r1", of: runs[1].workflow, starting: runs[1].starts)
        try await first.go("r0")
        try await second.go("r1")
        #expect(try await second.result(of: "r1") == "waits_for_itself")
        #expect(try await first.result(of: "r0") == "done")
        // Nothing is left of waits that are over.
        for process in [first, second] {
            while try await !process.store.awaited(by: ["r0", "r1"]).isEmpty {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        await first.end()
        await second.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Kind.allCases)
    func `a run of another process that waits for one which goes on holds nobody up`(_ kind: Kind) async throws {
        let folder = try TemporaryDirectory()
        let (first, second) = try await processes(kind, folder)
        try await first.begin("r0", of: "left", starting: "right")
        // It waits for a person's event, and not for a run.
        try await second.begin("r1", of: "right", starting: "right")
        try await first.go("r0")
        let child = try #require(try await first.store.list(RunFilter(lineage: "r0")).first)
        while try await first.store.awaited(by: ["r0"]).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await first.engine.waitsInVain(child.id, first.store) == nil)
        #expect(try await second.engine.waitsInVain(child.id, second.store) == nil)
        // Its own run waits for its place, so that it is refused, ends, and lets the other one begin.
        try await second.directory.signal("r1", "go")
        #expect(try await second.result(of: "r1") == "waits_for_itself")
        #expect(try await first.result(of: "r0") == "done")
        await first.end()
        await second.end()
    }
}
