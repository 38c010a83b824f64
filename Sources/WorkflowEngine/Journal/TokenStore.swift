/// A token by which somebody may use a service; of its secret only a hash is kept.
package struct AccessToken: Sendable, Equatable {
    package enum Role: String, Sendable, CaseIterable {
        /// Sees.
        case read
        /// Starts, answers, signals and cancels too.
        case run
        /// May do everything.
        case admin
    }

    /// The public part of the token, by which it is found.
    package var id: String
    package var name: String
    package var role: Role
    /// The workflows that it is for; empty for all.
    package var workflows: [String]
    /// The SHA-256 of the whole token.
    package var hash: [UInt8]
    /// In microseconds since 1970; 0 for never.
    package var expiresAt: Int64
    package var createdAt: Int64

    package init(
        id: String, name: String, role: Role, workflows: [String], hash: [UInt8], expiresAt: Int64, createdAt: Int64
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.workflows = workflows
        self.hash = hash
        self.expiresAt = expiresAt
        self.createdAt = createdAt
    }
}

/// Where tokens are kept.
package protocol TokenStore: AnyObject, Sendable {
    func add(_ token: AccessToken) async throws(JournalError)
    func token(_ id: String) async throws(JournalError) -> AccessToken?
    /// All tokens, oldest first.
    func tokens() async throws(JournalError) -> [AccessToken]
    /// Removes a token; false if there is none.
    func removeToken(_ id: String) async throws(JournalError) -> Bool
}
