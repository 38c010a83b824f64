import FlatValue
import Foundation
import Testing

@testable import WorkflowCore

/// Journals that were written once and have to be readable for ever.
///
/// Each file in `Tests/Fixtures/histories` holds a definition, the bytes of a run's events and of its arena, and what the run came to. A file
/// is never changed: where a new kind of event needs an example, another file is recorded
/// (`AIKIT_RECORD_HISTORIES=1 swift test --filter Histories`).
@Suite struct `Histories` {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/histories")

    @Test(arguments: ["success", "failure", "cancelled", "waiting", "recovered"])
    func `still decode and replay`(name: String) throws {
        let file = Self.folder.appendingPathComponent(name + ".json")
        if ProcessInfo.processInfo.environment["AIKIT_RECORD_HISTORIES"] != nil,
            !FileManager.default.fileExists(atPath: file.path)
        {
            try record(name, to: file)
        }
        let history = try Value(json: String(decoding: Data(contentsOf: file), as: UTF8.self))
        let plan = try DefinitionReader.plan(from: try #require(history["definition"]))
        var log = RunLog()
        defer { log.deallocate() }
        let events = try bytes(history["events"])
        let arena = try bytes(history["arena"])
        events.withUnsafeBytes { events in arena.withUnsafeBytes { log.append(events: events, arena: $0) } }
        #expect(MemoryLayout<Event>.stride == 32)
        for index in 0..<log.count where !log[index].payload.isNone {
            let payload = log[index].payload
            #expect(throws: Never.self) { try Value(validating: log.arena[payload]) }
        }
        #expect(RunReport.result(plan: plan, log: log).value == history["result"])
        var renderer = EventRenderer(plan: plan, runID: "r")
        #expect(Value(array: renderer.render(from: 0, log: log).map(\.value)) == history["shown"])
        #expect(TestRun.replay(plan, log, upTo: log.count).status.rawValue == history["result"]?["status"]?.string)
    }

    private func bytes(_ hex: Value?) throws -> [UInt8] {
        let digits = Array(try #require(hex?.string).utf8)
        return try stride(from: 0, to: digits.count, by: 2).map {
            try #require(UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16))
        }
    }

    private func record(_ name: String, to file: URL) throws {
        let definition = WorkflowDefinition(
            id: "history", metadata: ["team": "ops"],
            nodes: [
                .step("read", handler: 1, retry: .init(maxAttempts: 2, initial: .milliseconds(10))),
                .branch(
                    "risk", resolve: 2, cases: ["storm": [.step("warn", handler: 1)]],
                    otherwise: [.delay("rest", .fixed(.seconds(1)))]),
                .foreach("each", items: 3, concurrency: 2, body: [.step("square", handler: 4)]),
                .parallel(
                    "both", branches: ["l": [.waitFor("paid", event: "payment")], "r": [.human("ask")]],
                    waitsForAll: true),
                .loop(
                    "grow", condition: 5,
                    body: [.workflow(WorkflowDefinition(id: "inner", nodes: [.step("double", handler: 6)]))]),
            ])
        var attempts = 0
        let run = TestRun(
            plan: try DefinitionReader.plan(from: definition.value),
            callbacks: [
                1: {
                    attempts += 1
                    return attempts == 1 ? .failure("not yet") : .value($0)
                },
                2: { _ in .value("storm") }, 3: { _ in .value([1, 2, 3]) },
                4: {
                    $0.int == 3 && name == "failure" ? .failure("three") : .value(Value(($0.int ?? 0) * ($0.int ?? 0)))
                },
                5: { .value(Value(($0.int ?? 1) < 4)) }, 6: { .value(Value(($0.int ?? 1) * 2)) },
            ])
        try run.start(["n": 1], ctx: ["locale": "en"])
        let frame = try run.frame(at: "read")
        try run.decide(.emitted(frame: frame, event: run.store(["name": "progress", "payload": 1])))
        try run.decide(.storeSet(frame: frame, entry: run.store(["key": "seen", "value": true])))
        try run.drive()
        if name == "recovered" { try run.crash() }
        try run.fireNext()
        if name != "failure" {
            try run.signal("payment", 7)
            if name == "cancelled" { try run.cancel("enough") }
            try run.drive()
            if name == "success" || name == "recovered" { try run.reply(1) }
            try run.drive()
        }
        func hex(_ bytes: UnsafeRawBufferPointer) -> Value {
            Value(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        }
        let history: Value = [
            "definition": definition.value, "events": hex(run.log.eventBytes(from: 0)),
            "arena": hex(run.log.arena.bytes),
            "result": run.result.value, "shown": Value(array: run.events.map(\.value)),
        ]
        try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
        try Data((history.prettyJSON + "\n").utf8).write(to: file)
    }
}
