internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// The sessions that are open, each shared by all steps that name the same server. Any thread.
final class MCPClients: Sendable {
    /// How long a session that nobody uses stays open.
    private static let idleTime = Duration.seconds(60)
    private static let limit = 64

    private struct Entry {
        let number: Int
        let opening: Task<MCPClient, any Error>
        /// How many calls use it now.
        var users = 0
        /// How many calls have used it.
        var uses = 0
    }

    private struct State {
        var last = 0
        var entries: [ByteText: Entry] = [:]
    }

    private let state = Mutex(State())

    /// Does something with the session of a server, which is opened unless there is one.
    ///
    /// - Parameter key: what tells the server from others.
    func use<Result: Sendable>(
        _ key: String, open: @escaping @Sendable () async throws -> MCPClient,
        _ body: (MCPClient) async throws -> Result
    ) async throws -> Result {
        let key = ByteText(key)
        let (number, opening) = try enter(key, open)
        defer { leave(key, number) }
        let client: MCPClient
        do {
            client = try await opening.value
        } catch {
            drop(key, number)
            throw error
        }
        do {
            return try await body(client)
        } catch {
            if !client.isUsable { drop(key, number) }
            throw error
        }
    }

    private func enter(
        _ key: ByteText, _ open: @escaping @Sendable () async throws -> MCPClient
    ) throws(HostFailure) -> (Int, Task<MCPClient, any Error>) {
        let entry = state.withLock { state -> Entry? in
            if state.entries[key] == nil {
                guard state.entries.count < Self.limit else { return nil }
                state.last += 1
                state.entries[key] = Entry(number: state.last, opening: Task { try await open() })
            }
            state.entries[key]?.users += 1
            state.entries[key]?.uses += 1
            return state.entries[key]
        }
        guard let entry else {
            throw HostFailure("mcp_too_many", "\(Self.limit) MCP servers are in use", retryable: true)
        }
        return (entry.number, entry.opening)
    }

    private func leave(_ key: ByteText, _ number: Int) {
        let uses = state.withLock { state -> Int? in
            guard state.entries[key]?.number == number else { return nil }
            state.entries[key]?.users -= 1
            return state.entries[key]?.users == 0 ? state.entries[key]?.uses : nil
        }
        guard let uses else { return }
        Task { [self] in
            try? await Task.sleep(for: Self.idleTime)
            let idle = state.withLock { state -> Entry? in
                guard let entry = state.entries[key], entry.number == number, entry.users == 0,
                    entry.uses == uses
                else { return nil }
                state.entries[key] = nil
                return entry
            }
            if let client = try? await idle?.opening.value { client.close() }
        }
    }

    /// Forgets a session that cannot be used any more.
    private func drop(_ key: ByteText, _ number: Int) {
        let entry = state.withLock { state -> Entry? in
            guard let entry = state.entries[key], entry.number == number else { return nil }
            state.entries[key] = nil
            return entry
        }
        guard let entry else { return }
        Task { if let client = try? await entry.opening.value { client.close() } }
    }
}
