internal import WorkflowEngine

/// Every journal knows how far schedules have come.
extension StoreContract {
    static let schedules: [StoreCheck] = [
        StoreCheck("a schedule goes forward only, and keeps its newest run") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            try await first.advance("orders", "nightly", to: 100, run: "r1")
            try await second.advance("orders", "nightly", to: 50, run: "r0")
            try await second.advance("orders", "nightly", to: 100, run: "r2")
            try expect(
                try await second.scheduleMarks() == [
                    ScheduleMark(workflow: "orders", schedule: "nightly", time: 100, run: "r1")
                ])
            try await second.advance("orders", "nightly", to: 200, run: nil)
            try expect(
                try await first.scheduleMarks() == [
                    ScheduleMark(workflow: "orders", schedule: "nightly", time: 200, run: "r1")
                ])
            await first.close()
            await second.close()
        },
        StoreCheck("a schedule keeps the times that it had") { backend in
            let journal = try await backend.open()
            try await journal.advance("orders", "nightly", to: 100, run: nil, timing: "every 1m")
            try await journal.advance("orders", "nightly", to: 200, run: "r1")
            try expect(try await journal.scheduleMarks().map(\.timing) == ["every 1m"])
            try await journal.advance("orders", "nightly", to: 150, run: nil, timing: "every 3m")
            try await journal.advance("orders", "nightly", to: 300, run: nil, timing: "every 2m")
            await journal.close()
            let again = try await backend.open()
            try expect(try await again.scheduleMarks().map(\.timing) == ["every 2m"])
            await again.close()
        },
        StoreCheck("a schedule is set back by whoever knows to which time it has come") { backend in
            let journal = try await backend.open()
            try await journal.advance("orders", "nightly", to: 900, run: "r1")
            try await journal.setBack("orders", "nightly", from: 800, to: 100)
            try await journal.setBack("orders", "weekly", from: 900, to: 100)
            try expect(try await journal.scheduleMarks().map(\.time) == [900])
            try await journal.setBack("orders", "nightly", from: 900, to: 100)
            try expect(
                try await journal.scheduleMarks() == [
                    ScheduleMark(workflow: "orders", schedule: "nightly", time: 100, run: "r1")
                ])
            await journal.close()
        },
        StoreCheck("a schedule that is known can be paused") { backend in
            let journal = try await backend.open()
            try expect(try await !journal.pause("orders", "nightly", true))
            try await journal.advance("orders", "nightly", to: 100, run: nil)
            try await journal.advance("mails", "nightly", to: 100, run: nil)
            try expect(try await journal.pause("orders", "nightly", true))
            let paused = try await journal.scheduleMarks().filter(\.isPaused)
            try expect(paused.map(\.workflow) == ["orders"])
            try await journal.advance("orders", "nightly", to: 200, run: nil)
            try expect(try await journal.scheduleMarks().filter(\.isPaused).map(\.time) == [200])
            try expect(try await journal.pause("orders", "nightly", false))
            try expect(try await journal.scheduleMarks().filter(\.isPaused).isEmpty)
            await journal.close()
        },
    ]
}
