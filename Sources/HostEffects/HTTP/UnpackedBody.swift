internal import AsyncHTTPClient
internal import Compression
internal import NIOCore
internal import NIOHTTP1

/// The body of an answer without its gzip or deflate, a piece at a time, so that whoever reads it bounds what becomes of it.
///
/// Throws ``Inflater/Fault`` where the body is not packed as its head says.
struct UnpackedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    private let packed: HTTPClientResponse.Body
    private let hasMembers: Bool

    /// Nil for an answer whose body has no coding, or one that nobody here undoes.
    init?(_ response: HTTPClientResponse) {
        switch response.headers[canonicalForm: "content-encoding"].map({ $0.lowercased() }) {
        case ["gzip"], ["x-gzip"]: hasMembers = true
        case ["deflate"]: hasMembers = false
        default: return nil
        }
        packed = response.body
    }

    func makeAsyncIterator() -> Iterator { Iterator(packed: packed.makeAsyncIterator(), hasMembers: hasMembers) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate var packed: HTTPClientResponse.Body.AsyncIterator
        fileprivate let hasMembers: Bool
        private var inflater: Inflater?

        fileprivate init(packed: HTTPClientResponse.Body.AsyncIterator, hasMembers: Bool) {
            self.packed = packed
            self.hasMembers = hasMembers
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> ByteBuffer? {
            let inflater = try self.inflater ?? Inflater(hasMembers: hasMembers)
            self.inflater = inflater
            while true {
                if let piece = try inflater.next() { return ByteBuffer(bytes: piece) }
                guard let chunk = try await packed.next(isolation: actor) else {
                    try inflater.finish()
                    return nil
                }
                inflater.feed(Array(chunk.readableBytesView))
            }
        }
    }
}
