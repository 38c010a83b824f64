import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Journals from outside` {
    /// A run of every construct that has come to its end, or to a person.
    private static func run(answering: Bool) throws -> TestRun {
        let run = try TestRun(
            [
                .foreach("each", items: 1, concurrency: 2, body: [.step("double", handler: 2)]),
                .branch(
                    "way", resolve: 3, cases: ["left": [.step("go", handler: 4)], "right": [.step("stay", handler: 4)]]),
                .loop("again", condition: 5, maxIterations: 5, body: [.step("once", handler: 4)]),
                .parallel("both", branches: ["a": [.step("a", handler: 4)], "b": [.step("b", handler: 4)]]),
                .human("ask"),
            ],
            callbacks: [
                1: { _ in .value([1, 2, 3]) }, 2: { .value($0) }, 3: { _ in .value("left") },
                4: { _ in .value(["n": 1]) },
                5: { _ in .value(false) },
            ])
        try run.start(["x": 1])
        try run.decide(.tagsSet(frame: 0, value: run.store(["region": "eu", "n": 2])))
        try run.drive()
        if answering {
            try run.reply(["ok": true], at: "ask")
            try run.drive()
        }
        return run
    }

    @Test func `a journal reads back as it was written`() throws {
        for answering in [false, true] {
            let run = try Self.run(answering: answering)
            let decoder = try JournalDecoder(
                plan: run.plan, events: run.log.eventBytes(from: 0), arena: run.log.arena.bytes)
            #expect(decoder.log.count == run.log.count)
            let isSame = decoder.machine == run.machine
            #expect(isSame)
        }
    }

    @Test func `events of unknown kinds name a newer version`() throws {
        let run = try Self.run(answering: false)
        var events = Array(run.log.eventBytes(from: 0))
        events[30] = 200
        let damage = events.withUnsafeBytes { Self.damage(run.plan, $0, run.log.arena.bytes) }
        #expect(damage?.sequence == 1)
        #expect(damage?.isOfNewerVersion == true)
    }

    @Test func `tags that no run has are no part of a journal`() throws {
        let run = try Self.run(answering: false)
        let place = try #require((0..<run.log.count).first { run.log[$0].kind == .tagsSet })
        for value: Value in [[1, 2], ["a b": 1], ["a": nil], "region"] {
            var (events, arena) = (Array(run.log.eventBytes(from: 0)), Array(run.log.arena.bytes))
            let start = arena.count
            value.withBytes { arena.append(contentsOf: $0) }
            events.withUnsafeMutableBytes { events in
                let payload = place * MemoryLayout<Event>.stride + 8
                events.storeBytes(of: UInt32(start).littleEndian, toByteOffset: payload, as: UInt32.self)
                events.storeBytes(
                    of: UInt32(arena.count - start).littleEndian, toByteOffset: payload + 4, as: UInt32.self)
            }
            let damage = events.withUnsafeBytes { events in
                arena.withUnsafeBytes { Self.damage(run.plan, events, $0) }
            }
            #expect(damage?.sequence == place + 1)
        }
    }

    @Test(arguments: 0..<8) func `whatever the bytes are, what is taken can be gone on with`(seed: UInt64) throws {
        let run = try Self.run(answering: seed % 2 == 0)
        var random = Random(state: seed &* 7_919 &+ 1)
        for _ in 0..<1500 {
            var events = Array(run.log.eventBytes(from: 0))
            var arena = Array(run.log.arena.bytes)
            for _ in 0..<1 + random.next(3) { Self.damage(&events, &arena, &random) }
            events.withUnsafeBytes { events in
                arena.withUnsafeBytes { Self.takeAndGoOn(run.plan, events, $0) }
            }
        }
    }

    /// Takes as much of a journal as can be taken, and does with it what the engine does.
    private static func takeAndGoOn(_ plan: Plan, _ events: UnsafeRawBufferPointer, _ arena: UnsafeRawBufferPointer) {
        var decoder = JournalDecoder(plan: plan)
        do throws(JournalDamage) { try decoder.take(events: events, arena: arena) } catch {}
        var renderer = EventRenderer(plan: plan, runID: "r")
        _ = renderer.render(from: 0, log: decoder.log).map(\.json)
        _ = RunReport.result(plan: plan, log: decoder.log).value.json
        var machine = RunMachine(plan: plan, resting: decoder.log)
        var log = decoder.takeLog()
        defer { log.deallocate() }
        let cause = log.arena.writing { $0.write(["reason": "test"] as Value) }
        let time = log.count > 0 ? log[log.count - 1].time : 0
        do throws(Refusal) {
            try machine.decide(.recovered(cause: cause, died: true), at: time, log: &log)
            for command in machine.outstandingCommands() where command.kind == .invoke || command.kind == .conclude {
                let output = log.arena.writing { $0.write([1, 2] as Value) }
                try machine.decide(
                    .completed(frame: command.frame, serial: command.serial, output: output, next: Fact.usualNext),
                    at: time, log: &log)
            }
            try machine.decide(.cancelAsked(request: cause), at: time, log: &log)
        } catch {}
    }

    private static func damage(_ plan: Plan, _ events: UnsafeRawBufferPointer, _ arena: UnsafeRawBufferPointer)
        -> JournalDamage?
    {
        do throws(JournalDamage) {
            _ = try JournalDecoder(plan: plan, events: events, arena: arena)
            return nil
        } catch {
            return error
        }
    }

    private static func damage(_ events: inout [UInt8], _ arena: inout [UInt8], _ random: inout Random) {
        let count = events.count / 32
        switch random.next(6) {
        case 0: events[random.next(events.count)] ^= UInt8(1 << random.next(8))
        case 1: arena[random.next(arena.count)] = UInt8(random.next(256))
        case 2:
            // A field of an event, small or extreme.
            let place = random.next(count) * 32 + [0, 8, 12, 16, 20, 24, 28, 30][random.next(8)]
            let value = [0, 1, 2, 3, 0xFF, 0x7F, UInt8(random.next(256))][random.next(7)]
            for offset in 0..<(random.next(2) == 0 ? 1 : 4) where place + offset < events.count {
                events[place + offset] = offset == 0 || value > 3 ? value : 0
            }
        case 3: events.removeSubrange(random.next(count) * 32..<events.count)
        case 4:
            let from = random.next(count) * 32
            let to = random.next(count) * 32
            let copy = Array(events[from..<from + 32])
            events.replaceSubrange(to..<to + 32, with: copy)
        default:
            let first = random.next(count) * 32
            events.removeSubrange(first..<first + 32)
        }
        if events.isEmpty { events = [UInt8](repeating: 0, count: 32) }
    }

    private struct Random {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return bound > 0 ? Int((state >> 33) % UInt64(bound)) : 0
        }
    }

    @Test(arguments: EventKind.allCases)
    func `a journal holds the number of a kind`(kind: EventKind) throws {
        var log = RunLog()
        defer { log.deallocate() }
        log.append(Event(kind, time: 1, frame: 0, node: 0))
        let bytes = log.eventBytes(from: 0)
        #expect(bytes[30] == kind.rawValue)
        #expect(Event(decoding: bytes, at: 0)?.kind == kind)
    }
}
