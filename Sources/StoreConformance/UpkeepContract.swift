internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Every journal keeps code, and lets go of what is not needed.
extension StoreContract {
    static let upkeep: [StoreCheck] = [
        StoreCheck("a generation comes back with its files in order") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let generation = generation("g1", "return 1")
            try await first.save(generation)
            try await second.save(generation)
            try expect(try await second.generation("g1") == generation)
            try expect(try await second.generation("g2") == nil)
            await first.close()
            await second.close()
        },
        StoreCheck("pruning removes what is over and old enough, with its code") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            for (number, status) in [RunMachine.Status.success, .failed, .success, .running].enumerated() {
                let hash = "g\(number)"
                try await first.save(generation(hash, hash))
                let run = TestRun("r\(number)", workflow: number == 2 ? "mails" : "orders", generation: hash)
                await run.write("one", to: first, time: Int64(number * 100))
                await run.write("two", to: first, status: status, time: Int64(number * 100 + 10))
            }
            await first.close()

            let filter = PruneFilter(workflow: "orders", endedBefore: 110)
            var dry = filter
            dry.dryRun = true
            let forecast = try await second.prune(dry)
            try expect((forecast.runs, forecast.events, forecast.generations) == (1, 2, 1))
            try expect(try await second.list(RunFilter()).count == 4)
            let report = try await second.prune(filter)
            try expect((report.runs, report.events, report.generations) == (1, 2, 1))
            try expect(try await second.list(RunFilter()).map(\.id) == ["r3", "r2", "r1"])
            try expect(try await second.generation("g0") == nil)
            try expect(try await second.generation("g1") != nil)

            try expect(try await second.prune(PruneFilter()).runs == 2)
            try expect(try await second.list(RunFilter()).map(\.id) == ["r3"])
            try expect(try await second.check().isEmpty)
            await second.close()
        },
        StoreCheck("code that an open journal has saved stays, though no run of it is left") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            try await first.save(generation("g1", "return 1"))
            await TestRun("r1", generation: "g1").write(to: first, status: .success)
            try expect(try await second.prune(PruneFilter()).generations == 0)
            try expect(try await second.generation("g1") != nil)
            await first.close()
            try expect(try await second.prune(PruneFilter()).generations == 1)
            await second.close()
        },
        StoreCheck("a run is deleted unless somebody drives it") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let run = TestRun("r1")
            await run.write(to: first)
            try await expectFailure { _ = try await second.delete("r1") }
            await run.write(to: first, status: .cancelled)
            try expect(try await second.delete("r1"))
            try expect(try await !second.delete("r1"))
            try expect(try await first.load("r1") == nil)
            await first.close()
            await second.close()
        },
        StoreCheck("statistics count runs and events") { backend in
            let journal = try await backend.open()
            for (number, status) in [RunMachine.Status.success, .success, .waiting].enumerated() {
                let run = TestRun("r\(number)")
                await run.write(to: journal)
                await run.write(to: journal, status: status)
            }
            let statistics = try await journal.statistics()
            try expect(statistics.runs == [.success: 2, .waiting: 1])
            try expect(statistics.events == 6)
            await journal.close()
        },
    ]

    private static func generation(_ hash: String, _ text: String) -> ScriptGeneration {
        ScriptGeneration(
            hash: hash,
            files: [.init(name: "main.lua", content: Array(text.utf8)), .init(name: "lib", content: [0xFF, 0])])
    }
}
