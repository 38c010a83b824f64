internal import HTTPTypes
internal import Synchronization
package import WorkflowEngine

/// Decides who a request is from.
public final class AccessControl: Sendable {
    private let tokens: (any TokenStore)?
    private let jwt: JWTAccess?
    private let clock: any EngineClock
    private let failures = FailureLimit()
    private let known = Mutex<[String: (token: AccessToken?, until: Int64)]>([:])

    /// How long a token that was looked up is not looked up again, in microseconds: a revoked one is good for so long.
    private static let memory: Int64 = 2_000_000
    private static let capacity = 4096

    package init(tokens: (any TokenStore)?, jwt: JWTAccess? = nil, clock: any EngineClock = SystemClock()) {
        self.tokens = tokens
        self.jwt = jwt
        self.clock = clock
    }

    /// Accepts JSON Web Tokens only.
    public convenience init(jwt: JWTAccess) { self.init(tokens: nil, jwt: jwt) }

    /// Who an `Authorization` header speaks for.
    func principal(_ header: String?, from address: String) async throws -> Principal {
        let now = clock.now()
        guard let header else { throw refusal("Missing Authorization header") }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw refusal("Authorization header must use the Bearer scheme")
        }
        let text = String(parts[1].drop { $0 == " " })
        // Whoever has a good token is served whatever others at the address send: behind a proxy all have the same one.
        if let principal = try await principal(of: text, at: now) { return principal }
        if let wait = failures.wait(for: address, at: now) {
            var error = APIError(.tooManyRequests, "too_many_failures", "Too many invalid tokens; try again later")
            error.headers[.retryAfter] = "\(wait)"
            throw error
        }
        failures.failed(address, at: now)
        throw refusal("Invalid authorization token")
    }

    private func refusal(_ message: String) -> APIError {
        var error = APIError(.unauthorized, "unauthorized", message)
        error.headers[.wwwAuthenticate] = "Bearer"
        return error
    }

    private func principal(of text: String, at now: Int64) async throws -> Principal? {
        guard let id = TokenSecret.id(of: text) else { return await jwt?.principal(text) }
        guard let token = try await token(id, at: now), TokenSecret.areEqual(token.hash, TokenSecret.hash(text)) else {
            return nil
        }
        if token.expiresAt != 0, token.expiresAt <= now { return nil }
        return Principal(name: token.name, role: token.role, workflows: token.workflows)
    }

    private func token(_ id: String, at now: Int64) async throws -> AccessToken? {
        guard let tokens else { return nil }
        if let entry = known.withLock({ $0[id] }), entry.until > now { return entry.token }
        let token = try await tokens.token(id)
        known.withLock { known in
            if known.count >= Self.capacity { known = known.filter { $0.value.until > now } }
            if known.count < Self.capacity { known[id] = (token, now + Self.memory) }
        }
        return token
    }
}
