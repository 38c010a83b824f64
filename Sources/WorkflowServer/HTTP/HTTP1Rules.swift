internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypesHTTP1

/// What HTTP/1 wants of a server besides what the parser sees to:
///
/// - a request has one `Host` (RFC 9112, section 3.2), or nobody knows whom it is for;
/// - a client that waits to be told before it sends a body (`Expect: 100-continue`) is told, unless the body is too large anyway;
/// - a client of HTTP/1.0 knows by nothing but the end of the connection where its answer ends.
final class HTTP1Rules: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let bodyLimit: Int
    private var isOld = false
    /// Nothing more is taken; the error that tells why is on its way.
    private var isRefused = false
    /// Requests whose heads have been read and that have not been answered.
    private var open = 0
    /// The newest request waits to be told to go on, once those before it are answered.
    private var isExpected = false

    /// - Parameter bodyLimit: the largest body that is read, in bytes.
    init(bodyLimit: Int) { self.bodyLimit = bodyLimit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        if case .head(let head) = unwrapInboundIn(data) {
            isOld = head.version == .http1_0
            let hosts = head.headers["host"].count
            guard hosts == 1 || isOld && hosts == 0 else {
                isRefused = true
                return context.fireErrorCaught(HTTPParserError.invalidHost)
            }
            open += 1
            isExpected = !isOld && expects(head)
            goOn(context)
        }
        context.fireChannelRead(data)
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
        case .head(var head) where isOld:
            head.version = .http1_0
            head.headers.remove(name: "transfer-encoding")
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .head, .body: context.write(data, promise: promise)
        case .end:
            open = max(open - 1, 0)
            guard isOld else {
                context.write(data, promise: promise)
                return goOn(context)
            }
            let written = promise ?? context.eventLoop.makePromise(of: Void.self)
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
            context.writeAndFlush(data, promise: written)
        }
    }
}

/// Puts ``HTTP1Rules`` where versions are still known: before the requests lose theirs.
final class HTTP1RulesInstaller: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let bodyLimit: Int

    init(bodyLimit: Int) { self.bodyLimit = bodyLimit }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        guard let codec = try? pipeline.handler(type: HTTP1ToHTTPServerCodec.self) else { return }
        try? pipeline.addHandler(HTTP1Rules(bodyLimit: bodyLimit), position: .before(codec))
    }
}
