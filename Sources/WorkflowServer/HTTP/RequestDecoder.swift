internal import NIOCore
internal import NIOHTTP1

/// What a connection's requests say of other protocols, for the parser that reads them. The connection's thread only.
///
/// A request may offer to go on in another protocol (`Upgrade`). Its parser takes that for agreed upon and reads nothing behind the
/// request; here nobody agrees, and what follows is the next request.
final class ProtocolOffer {
    private enum State {
        /// The request makes none.
        case none
        /// The request makes one, and has not been read to its end.
        case made
        /// Such a request has been read to its end; the parser reads no further.
        case ended
    }

    private var state = State.none

    /// Takes note of what has been parsed.
    func saw(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): state = Self.isMade(by: head.headers) ? .made : .none
        case .body: break
        case .end: if state == .made { state = .ended }
        }
    }

    /// Whether the parser has read its last request; false when asked again, until it has happened to another one.
    func takeEnd() -> Bool {
        guard state == .ended else { return false }
        state = .none
        return true
    }

    /// As the parser sees it: a field `Upgrade`, and the word among those of `Connection`.
    private static func isMade(by headers: HTTPHeaders) -> Bool {
        guard headers.contains(name: "upgrade") else { return false }
        return (headers["connection"] + headers["proxy-connection"]).contains { field in
            field.split(separator: ",").contains { word in
                word.filter { $0 != " " && $0 != "\t" }.lowercased() == "upgrade"
            }
        }
    }
}

/// Reads the requests of a connection, also those behind one that offers another protocol.
///
/// Throws `HTTPParserError.invalidMethod` for requests of methods that do not exist alone, and not for bytes that are no request.
final class RequestDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    private let limits: NIOHTTPDecoderLimitConfiguration
    private let offer: ProtocolOffer
    private var parser: HTTPRequestDecoder

    init(_ limits: NIOHTTPDecoderLimitConfiguration, _ offer: ProtocolOffer) {
        self.limits = limits
        self.offer = offer
        parser = HTTPRequestDecoder(limitConfiguration: limits)
    }

    func decoderAdded(context: ChannelHandlerContext) { parser.decoderAdded(context: context) }

    func decoderRemoved(context: ChannelHandlerContext) { parser.decoderRemoved(context: context) }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        repeat {
            do {
                _ = try parser.decode(context: context, buffer: &buffer)
            } catch HTTPParserError.invalidMethod where !Self.beginsAsRequest(buffer) {
                throw HTTPParserError.unknown
            }
        } while replaceAtEnd(context) && buffer.readableBytes > 0
        return .needMoreData
    }

    func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
        _ = try decode(context: context, buffer: &buffer)
        return try parser.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
    }

    /// Puts a new parser in the place of one that reads no further; whether it has.
    private func replaceAtEnd(_ context: ChannelHandlerContext) -> Bool {
        guard offer.takeEnd() else { return false }
        parser.decoderRemoved(context: context)
        parser = HTTPRequestDecoder(limitConfiguration: limits)
        parser.decoderAdded(context: context)
        return true
    }

    /// Whether bytes begin as a request does: with a method of at most 32 bytes, a space, and a target.
    private static func beginsAsRequest(_ buffer: ByteBuffer) -> Bool {
        let bytes = buffer.readableBytesView
        let method = bytes.prefix { isToken($0) }
        let rest = bytes[method.endIndex...].prefix(2)
        guard (1...32).contains(method.count), rest.count == 2, rest.first == UInt8(ascii: " ") else { return false }
        return rest.last.map { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "*") || isLetter($0) } ?? false
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
