internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Platform

/// An address at which a JWK set lies.
struct KeySetAddress: Sendable {
    private let address: String

    /// The largest set that is read, in bytes.
    private static let limit = 1 << 20
    /// How long all of an answer may take.
    private static let time = Duration.seconds(10)

    /// - Returns: nil for a text that is no address but the name of a file.
    init?(_ text: String) {
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else { return nil }
        address = text
    }

    /// The set, as JSON.
    ///
    /// - Throws: an error that says in words what went wrong.
    func read() async throws -> String {
        let late = UsageError("it has not answered for \(Self.time.components.seconds) seconds")
        return try await TimeLimit.within(Self.time, else: late) {
            let request = HTTPClientRequest(url: address)
            let response = try await HTTPClient.shared.execute(request, deadline: .distantFuture)
            guard response.status == .ok else { throw UsageError("the answer has the status \(response.status.code)") }
            return String(buffer: try await response.body.collect(upTo: Self.limit))
        }
    }
}
