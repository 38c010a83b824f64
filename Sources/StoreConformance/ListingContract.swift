internal import FlatValue
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine

/// Every journal lists its runs.
extension StoreContract {
    static let listing: [StoreCheck] = [
        StoreCheck("newest first, in pages") { backend in
            let journal = try await open(backend)
            try expect(try await journal.list(RunFilter()).map(\.id) == ["r5", "r4", "r3", "r2", "r1"])
            try expect(try await journal.list(RunFilter(limit: 2)).map(\.id) == ["r5", "r4"])
            try expect(try await journal.list(RunFilter(limit: 2, before: "r4")).map(\.id) == ["r3", "r2"])
            await journal.close()
        },
        StoreCheck("by workflow, status, generation and time") { backend in
            let journal = try await open(backend)
            func ids(_ filter: RunFilter) async throws -> [String] { try await journal.list(filter).map(\.id) }
            try expect(try await ids(RunFilter(workflow: "mails")) == ["r5", "r4"])
            try expect(try await ids(RunFilter(statuses: [.waitingHuman])) == ["r2"])
            try expect(try await ids(RunFilter(statuses: [.running, .failed])) == ["r5", "r4", "r3"])
            try expect(try await ids(RunFilter(generation: "g0")) == ["r4", "r2"])
            try expect(try await ids(RunFilter(created: 200...400)) == ["r4", "r3", "r2"])
            try expect(try await ids(RunFilter(updated: 450...Int64.max)) == ["r5", "r4"])
            try expect(try await ids(.abandoned) == [])
            await journal.close()
        },
        StoreCheck("by the run that they came of") { backend in
            let journal = try await backend.open()
            // A run that came of another one may be the beginning of more, and of one that is not there.
            for (index, from) in [nil, "r1", "r2", "r1", "gone", nil, "r1"].enumerated() {
                let run = TestRun("r\(index + 1)", workflow: index < 3 ? "orders" : "mails", lineage: from)
                await run.write(to: journal, status: index == 3 ? .failed : .running, time: Int64(index))
            }
            func ids(_ lineage: String, _ change: (inout RunFilter) -> Void = { _ in }) async throws -> [String] {
                var filter = RunFilter(lineage: lineage)
                change(&filter)
                return try await journal.list(filter).map(\.id)
            }
            try expect(try await ids("r1") == ["r7", "r4", "r2"])
            try expect(try await ids("r1") { $0.limit = 2 } == ["r7", "r4"])
            try expect(try await ids("r1") { ($0.limit, $0.before) = (2, "r4") } == ["r2"])
            try expect(try await ids("r1") { ($0.workflow, $0.limit) = ("mails", 9) } == ["r7", "r4"])
            try expect(try await ids("r1") { ($0.statuses, $0.limit) = ([.failed], 9) } == ["r4"])
            try expect(try await ids("gone") == ["r5"])
            for other in ["r7", "", "r", "%", "r1\u{0}"] { try expect(try await ids(other) { $0.limit = 9 }.isEmpty) }
            await journal.close()
        },
        StoreCheck("by the beginning of the id, byte for byte, and by some workflows") { backend in
            let journal = try await backend.open()
            // With the last character of all, the last one before a gap, and wildcards of SQL.
            let names = [
                "a-1", "b-1", "a-2", "A-3", "a%", "é-1", "z-1", "\u{10FFFF}-1", "\u{D7FF}-1", "a_", "b-2", "a-10",
            ]
            for (index, name) in names.enumerated() {
                let run = TestRun(name, workflow: ["orders", "mails", "bills"][index % 3])
                await run.write(to: journal, status: index % 2 == 0 ? .success : .running, time: Int64(index))
            }
            func ids(_ prefix: String, _ change: (inout RunFilter) -> Void = { _ in }) async throws -> [String] {
                var filter = RunFilter()
                filter.prefix = prefix
                change(&filter)
                return try await journal.list(filter).map(\.id)
            }
            let bytes = names.map { Array($0.utf8) }
            func expected(_ prefix: String) -> [String] {
                bytes.filter { $0.starts(with: prefix.utf8) }.reversed().map { String(decoding: $0, as: UTF8.self) }
            }
            for prefix in [
                "", "a", "a-", "a-1", "a%", "a_", "A", "b", "é", "e", "\u{10FFFF}", "\u{D7FF}", "c", "a\u{0}", "%", "_",
                "a-100", String(repeating: "a", count: 300),
            ] {
                let wanted = expected(prefix).map { Array($0.utf8) }
                try expect(try await ids(prefix).map { Array($0.utf8) } == wanted)
                try expect(try await ids(prefix) { $0.limit = 2 }.map { Array($0.utf8) } == Array(wanted.prefix(2)))
            }
            try expect(try await ids("a") { ($0.limit, $0.before) = (2, "a_") } == ["a%", "a-2"])
            try expect(try await ids("a") { $0.statuses = [.success] } == ["a%", "a-2", "a-1"])
            try expect(try await ids("a") { ($0.workflow, $0.limit) = ("orders", 5) } == ["a_", "a-1"])
            try expect(try await ids("a") { ($0.workflows, $0.limit) = (["orders", "bills"], 9) }.count == 4)
            try expect(try await ids("") { $0.workflows = ["bills"] }.count == 4)
            try expect(try await ids("") { ($0.workflows, $0.limit) = ([], 9) }.isEmpty)
            try expect(try await ids("a") { ($0.created, $0.limit) = (2...9, 9) } == ["a_", "a%", "a-2"])
            await journal.close()
        },
        StoreCheck("counted by status, workflow by workflow") { backend in
            let journal = try await open(backend)
            try expect(try await journal.counts(of: "orders") == [.success: 1, .waitingHuman: 1, .running: 1])
            try expect(try await journal.counts(of: "mails") == [.failed: 1, .running: 1])
            try expect(try await journal.counts(of: "none").isEmpty)
            try expect(
                try await journal.counts() == [
                    "orders": [.success: 1, .waitingHuman: 1, .running: 1], "mails": [.failed: 1, .running: 1],
                ])
            await journal.close()
        },
        StoreCheck("by tags, of which all have to hold and the newest count") { backend in
            let (journal, other) = (try await backend.open(), try await backend.open())
            var runs: [TestRun] = []
            for number in 0..<40 {
                let run = TestRun("r\(number)", workflow: number % 2 == 0 ? "orders" : "mails")
                run.add(.tagsSet, ["number": Value(Int64(number)), "third": Value(number % 3 == 0), "all": "x"])
                await run.write(to: journal, status: number % 5 == 0 ? .success : .running, time: Int64(number))
                runs.append(run)
            }
            for number in [7, 9] {
                runs[number].add(.tagsSet, ["third": "gone", "all": "x", "number": 7])
                await runs[number].write(to: journal, time: 100)
            }
            func ids(_ words: [(String, String)], _ change: (inout RunFilter) -> Void = { _ in }) async throws
                -> [String]
            {
                var filter = RunFilter()
                filter.tags = try words.map { try RunTag.candidates($0.0, $0.1) }
                change(&filter)
                let found = try await journal.list(filter)
                try expect(try await other.list(filter).map(\.id) == found.map(\.id))
                return found.map(\.id)
            }
            try expect(try await ids([("number", "7")]) == ["r9", "r7"])
            try expect(try await ids([("number", "7.0"), ("third", "gone")]) == ["r9", "r7"])
            try expect(try await ids([("number", "9")]).isEmpty)
            try expect(try await ids([("number", #""7""#)]).isEmpty)
            try expect(try await ids([("none", "7")]).isEmpty)
            try expect(try await ids([("all", "x")]).count == 40)
            let third = (0..<40).reversed().filter { $0 % 3 == 0 && $0 != 9 }.map { "r\($0)" }
            try expect(try await ids([("third", "true"), ("all", "x")]) == third)
            try expect(try await ids([("third", "true")]) { $0.limit = 3 } == Array(third[..<3]))
            try expect(
                try await ids([("third", "true")]) { ($0.limit, $0.before) = (3, third[2]) } == Array(third[3..<6]))
            try expect(
                try await ids([("third", "true")]) { ($0.workflow, $0.statuses, $0.limit) = ("orders", [.success], 50) }
                    == ["r30", "r0"])
            try expect(try await journal.header(of: "r7")?.tags.value == ["all": "x", "number": 7, "third": "gone"])
            try await journal.release(runs.map(\.journaled))
            _ = try await journal.delete("r7")
            try expect(try await ids([("number", "7")]) == ["r9"])
            await journal.close()
            await other.close()
        },
        StoreCheck("a list shows what was acknowledged a moment ago, to everybody") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let run = TestRun("r1")
            for number in 1...20 {
                await run.write(Value(Int64(number)), to: first, status: number == 20 ? .success : .running)
                try expect(try await second.header(of: "r1")?.sequence == number)
            }
            try expect(try await second.list(RunFilter(statuses: [.success])).map(\.id) == ["r1"])
            try expect(try await second.list(RunFilter(statuses: [.running])).isEmpty)
            await first.close()
            await second.close()
        },
        StoreCheck("a follower sees that something has changed") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let run = TestRun("r1")
            await run.write(to: first)
            let before = try await second.changeCount()
            await run.write(to: first)
            try expect(try await second.changeCount() != before)
            await first.close()
            await second.close()
        },
    ]

    /// Five runs: r1 and r4 are over, r2 waits for a person, r3 and r5 run.
    private static func open(_ backend: any StoreBackend) async throws -> any RunStore {
        let journal = try await backend.open()
        let ends: [RunMachine.Status] = [.success, .waitingHuman, .running, .failed, .running]
        for (index, status) in ends.enumerated() {
            let number = Int64(index + 1)
            let run = TestRun("r\(number)", workflow: number < 4 ? "orders" : "mails", generation: "g\(number % 2)")
            await run.write("one", to: journal, time: number * 100)
            await run.write("two", to: journal, status: status, time: number * 100 + 50)
        }
        return journal
    }
}
