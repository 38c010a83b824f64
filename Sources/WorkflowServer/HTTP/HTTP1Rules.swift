internal import FlatValue
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypesHTTP1

/// What HTTP/1 wants of a server besides what the parser sees to:
///
/// - a request has one `Host` (RFC 9112, section 3.2), or nobody knows whom it is for; a target that names the server goes before it;
/// - a body comes in chunks or in one piece, and in no other coding, which nobody here undoes (section 6.1);
/// - a client that waits to be told before it sends a body (`Expect: 100-continue`) is told, unless the body is too large anyway;
/// - a client of HTTP/1.0 knows by nothing but the end of the connection where its answer ends;
/// - an offer to go on in another protocol is passed over (RFC 9110, section 7.8), and what follows is read as before;
/// - what is no request at all is answered with an error like every other one.
final class HTTP1Rules: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let bodyLimit: Int
    private let offer: ProtocolOffer
    private var isOld = false
    /// Nothing more is taken; the error that tells why is on its way.
    private var isRefused = false
    /// What is said to a request that is none, or that is not taken.
    private var refusal: APIError?
    /// The request that is not taken wants no body in its answer.
    private var refusesHead = false
    /// Requests whose heads have been read and that have not been answered.
    private var open = 0
    /// The newest request waits to be told to go on, once those before it are answered.
    private var isExpected = false

    /// - Parameters:
    ///   - bodyLimit: the largest body that is read, in bytes.
    ///   - offer: told what has been parsed.
    init(bodyLimit: Int, offer: ProtocolOffer) {
        self.bodyLimit = bodyLimit
        self.offer = offer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        let part = unwrapInboundIn(data)
        offer.saw(part)
        guard case .head(var head) = part else { return context.fireChannelRead(data) }
        isOld = head.version == .http1_0
        do throws(APIError) {
            try check(&head)
        } catch {
            isRefused = true
            refusal = error
            refusesHead = head.method == .HEAD
            // What the handlers behind take for the end of all requests.
            return context.fireErrorCaught(HTTPParserError.unknown)
        }
        open += 1
        isExpected = !isOld && expects(head)
        goOn(context)
        if isOld { head.headers.replaceOrAdd(name: "connection", value: "close") }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Refuses a head by which nobody knows whom the request is for, or how its body is to be read; a target that names the server
    /// becomes one that does not.
    private func check(_ head: inout HTTPRequestHead) throws(APIError) {
        if head.method == .CONNECT { throw .unknownMethod("This server is no proxy: it has no method CONNECT") }
        let hosts = head.headers["host"].count
        guard hosts == 1 || isOld && hosts == 0 else { throw .badRequest("A request has one header Host") }
        do throws(AbsoluteTarget.Fault) {
            if let target = try AbsoluteTarget(head.uri, isOptions: head.method == .OPTIONS) {
                head.uri = target.path
                head.headers.replaceOrAdd(name: "host", value: target.authority)
            }
        } catch {
            throw .badRequest("The target of the request is no address of this server")
        }
        let codings = head.headers[canonicalForm: "transfer-encoding"].map { $0.lowercased() }
        guard codings.isEmpty || codings == ["chunked"] else {
            throw APIError(
                .notImplemented, "unsupported_transfer_encoding",
                "A body may come in chunks, and has no other Transfer-Encoding")
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError, !isRefused {
            isRefused = true
            refusal = APIError(error)
        }
        context.fireErrorCaught(error)
    }

    private func expects(_ head: HTTPRequestHead) -> Bool {
        guard head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) else {
            return false
        }
        guard let length = head.headers.first(name: "content-length") else { return true }
        return Int(length).map { $0 <= bodyLimit } ?? false
    }

    /// Tells the client to send the body that it holds back, if that is what comes next.
    private func goOn(_ context: ChannelHandlerContext) {
        guard isExpected, open == 1 else { return }
        isExpected = false
        context.writeAndFlush(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        switch part {
        case .head(let head)
        where refusal != nil && head.status == .badRequest && head.headers["content-length"] == ["0"]:
            refuse(head, context, promise)
        case .head(var head) where isOld:
            head.version = .http1_0
            head.headers.remove(name: "transfer-encoding")
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .head, .body: context.write(data, promise: promise)
        case .end:
            open = max(open - 1, 0)
            context.write(data, promise: promise)
            goOn(context)
        }
    }
}

extension HTTP1Rules {
    /// Gives the answer to what could not be read, which comes without a body, the one that all errors have.
    private func refuse(_ bare: HTTPResponseHead, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?)
    {
        guard let refusal else { return }
        let body = context.channel.allocator.buffer(string: refusal.body.json)
        var head = bare
        head.status = HTTPResponseStatus(statusCode: refusal.status.code)
        head.headers.replaceOrAdd(name: "content-length", value: "\(body.readableBytes)")
        head.headers.replaceOrAdd(name: "content-type", value: "application/json; charset=utf-8")
        if refusesHead { return context.write(wrapOutboundOut(.head(head)), promise: promise) }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: promise)
    }
}

extension APIError {
    fileprivate static func unknownMethod(_ message: String) -> APIError {
        APIError(.notImplemented, "unknown_method", message)
    }

    fileprivate init(_ error: HTTPParserError) {
        switch error {
        case .headerOverflow:
            self.init(.requestHeaderFieldsTooLarge, "headers_too_large", "The headers of the request are too large")
        case .invalidMethod: self = .unknownMethod("There is no such method; methods are in capitals")
        case .invalidVersion: self.init(.httpVersionNotSupported, "bad_request", "This server speaks HTTP/1.1")
        default: self = .badRequest("This is not a request of HTTP/1.1")
        }
    }
}

/// Puts ``HTTP1Rules`` where versions are still known: before the requests lose theirs; and ``RequestDecoder`` in the place of the
/// decoder that is there.
final class HTTP1RulesInstaller: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let bodyLimit: Int

    init(bodyLimit: Int) { self.bodyLimit = bodyLimit }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        guard let codec = try? pipeline.handler(type: HTTP1ToHTTPServerCodec.self),
            let decoder = try? pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        else { return }
        let usual = HTTP1Channel.Configuration.DecoderConfiguration()
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = usual.maxHeaderFieldSize
        limits.maxHeaderListSize = usual.maxHeaderListSize
        limits.maxHeaderFieldCount = usual.maxHeaderFieldCount
        let offer = ProtocolOffer()
        try? pipeline.addHandler(HTTP1Rules(bodyLimit: bodyLimit, offer: offer), position: .before(codec))
        // No bytes have come yet: the connection is not registered before its pipeline is whole.
        try? pipeline.addHandler(ByteToMessageHandler(RequestDecoder(limits, offer)), position: .before(decoder))
        pipeline.removeHandler(decoder, promise: nil)
    }
}
