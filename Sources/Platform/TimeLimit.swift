/// Work that has to be over in time.
package enum TimeLimit {
    /// What the work gives. When the time is over it is cancelled, and `late` is thrown once it has ended.
    package static func within<Result: Sendable>(
        _ limit: Duration, else late: @autoclosure @escaping @Sendable () -> any Error,
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw late()
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}
