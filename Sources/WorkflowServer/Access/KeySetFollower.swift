internal import Synchronization
package import WorkflowEngine

/// Keeps the keys of a ``JWTAccess`` as an address or a file gives them: read again now and then, and when no key has signed a
/// token, though not more often than ``pause``.
package final class KeySetFollower: Sendable {
    private let access: JWTAccess
    private let fetch: @Sendable () async throws -> String
    private let failed: @Sendable (any Error) -> Void
    private let clock: any EngineClock
    private let state = Mutex(State())

    private struct State {
        /// When the keys were last asked for, in microseconds of the clock; nil for never.
        var askedAt: Int64?
        var task: Task<Void, Never>?
    }

    /// In microseconds.
    private static let pause: Int64 = 10_000_000
    private static let interval = Duration.seconds(300)

    /// - Parameters:
    ///   - fetch: reads the JWK set, as JSON.
    ///   - failed: told when that fails; the keys stay as they were.
    package init(
        _ access: JWTAccess, clock: any EngineClock = SystemClock(),
        fetch: @escaping @Sendable () async throws -> String,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.access = access
        self.clock = clock
        self.fetch = fetch
        self.failed = failed
        access.onUnknownKey { [weak self] in await self?.refresh() }
    }

    /// Follows the keys until its task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            await refresh()
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Reads the keys unless that was done a moment ago; callers at one time share one look.
    package func refresh() async {
        let now = clock.elapsed()
        let task: Task<Void, Never>? = state.withLock { state in
            if let task = state.task { return task }
            if let askedAt = state.askedAt, now - askedAt < Self.pause { return nil }
            state.askedAt = now
            let task = Task {
                await load()
                finish()
            }
            state.task = task
            return task
        }
        await task?.value
    }

    private func finish() { state.withLock { $0.task = nil } }

    private func load() async {
        do {
            try await access.replace(jwks: fetch())
        } catch {
            failed(error)
        }
    }
}
