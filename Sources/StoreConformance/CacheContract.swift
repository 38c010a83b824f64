internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Stores that cache values. One that caches none passes.
extension StoreContract {
    static let caching: [StoreCheck] = [
        StoreCheck("a value is cached for all processes until its time is over") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            guard let writer = first as? any CacheStore, let reader = second as? any CacheStore else { return }
            let value: Value = ["text": "Grüße\u{1F600}", "list": [1, 2.5, nil, true], "big": 9_007_199_254_740_993]
            try expect(try await reader.cached("k", at: 5) == Value?.none)
            try await writer.cache("k", value, until: 100, at: 5)
            try await writer.cache("other", 1, until: 200, at: 5)
            try expect(try await reader.cached("k", at: 99) == value)
            try expect(try await reader.cached("k", at: 100) == Value?.none)
            try expect(try await reader.cached("K", at: 5) == Value?.none)
            try await reader.cache("k", "new", until: 300, at: 150)
            try expect(try await writer.cached("k", at: 150) == "new")
            try expect(try await writer.cached("other", at: 150) == 1)
            await first.close()
            await second.close()
        },
        StoreCheck("what several processes cache at once is all kept") { backend in
            let stores: [any RunStore] = [try await backend.open(), try await backend.open(), try await backend.open()]
            guard stores.allSatisfy({ $0 is any CacheStore }) else { return }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, store) in stores.enumerated() {
                    guard let store = store as? any CacheStore else { continue }
                    group.addTask {
                        for index in 0..<10 {
                            try await store.cache("\(number).\(index)", Value(Int64(index)), until: 1000, at: 1)
                        }
                    }
                }
                try await group.waitForAll()
            }
            guard let reader = stores[0] as? any CacheStore else { return }
            for number in 0..<3 {
                for index in 0..<10 {
                    try expect(try await reader.cached("\(number).\(index)", at: 2) == Value(Int64(index)))
                }
            }
            for store in stores { await store.close() }
        },
    ]
}
