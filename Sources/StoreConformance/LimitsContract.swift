internal import WorkflowCore
internal import WorkflowEngine

/// Stores that count calls for all processes. One that counts none passes.
extension StoreContract {
    static let limiting: [StoreCheck] = [
        StoreCheck("limits hold for the calls of all processes together") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            guard let one = first as? any SharedLimitStore, let other = second as? any SharedLimitStore else { return }
            let (second1, minute) = (Int64(1_000_000), SharedLimits.window)
            let two = SharedLimits(concurrency: 2)
            try expect(try await one.begin("a", of: "k", within: two, until: minute, at: 1) == nil)
            try expect(try await other.begin("b", of: "k", within: two, until: minute, at: 2) == nil)
            try expect(try await one.begin("c", of: "k", within: two, until: minute, at: 3) == SharedLimits.place)
            try expect(try await one.begin("c", of: "other", within: two, until: minute, at: 3) == nil)
            try await other.end("b", of: "k", amount: 70, at: 4)
            try expect(try await one.begin("c", of: "k", within: two, until: minute, at: 5) == nil)

            // Three calls began; the wait is that until the oldest of them no longer counts.
            let three = SharedLimits(callsPerMinute: 3)
            try expect(
                try await one.begin("d", of: "k", within: three, until: minute, at: second1) == minute + 1 - second1)
            // And 70 tokens were used, at 4.
            let tokens = SharedLimits(amountPerMinute: 70)
            try expect(
                try await other.begin("d", of: "k", within: tokens, until: minute, at: second1) == minute + 4 - second1)
            let more = SharedLimits(callsPerMinute: 4, amountPerMinute: 71)
            try expect(try await other.begin("d", of: "k", within: more, until: minute, at: second1) == nil)
            await first.close()
            await second.close()
        },
        StoreCheck("a call of which nothing more is heard gives its place back") { backend in
            let store = try await backend.open()
            guard let limits = store as? any SharedLimitStore else { return }
            let one = SharedLimits(concurrency: 1)
            try expect(try await limits.begin("a", of: "k", within: one, until: 100, at: 1) == nil)
            try await limits.hold("a", of: "k", until: 200)
            try expect(try await limits.begin("b", of: "k", within: one, until: 900, at: 150) == SharedLimits.place)
            try expect(try await limits.begin("b", of: "k", within: one, until: 900, at: 200) == nil)
            // What has ended is not held again.
            try await limits.end("b", of: "k", amount: 0, at: 210)
            try await limits.hold("b", of: "k", until: 900)
            try expect(try await limits.begin("c", of: "k", within: one, until: 900, at: 220) == nil)
            await store.close()
        },
    ]
}
