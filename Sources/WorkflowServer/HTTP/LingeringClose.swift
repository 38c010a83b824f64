internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Closes a connection in good order whose request is answered before all of it has come, and on which nothing follows.
///
/// A client may send all of a body before it reads. What it still sends is read and thrown away, up to a bound, so that it comes to
/// the answer; a connection that is closed before would take the answer along.
final class LingeringClose: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        /// No request, or one that is read by whoever answers it.
        case open
        /// The last request is coming in.
        case last
        /// It is answered, and the rest of it is thrown away. It ends with the request, at the bounds, or with the connection.
        case discarding
        /// Nothing more is read.
        case closed
    }

    private var state = State.open
    /// Requests whose heads have been read and that have not been answered.
    private var open = 0
    /// The bytes that are still taken.
    private var left: Int
    private let time: TimeAmount
    private var timer: Scheduled<Void>?

    /// - Parameters:
    ///   - limit: the most bytes that are thrown away.
    ///   - time: how long that may take.
    init(limit: Int = 64 << 20, time: TimeAmount = .seconds(5)) {
        left = limit
        self.time = time
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        state = .closed
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .open, .last: break
        case .discarding: return discard(unwrapInboundIn(data), context)
        case .closed: return
        }
        switch unwrapInboundIn(data) {
        case .head(let head):
            open += 1
            state = head.headerFields[.connection] == "close" ? .last : .open
        case .body: break
        case .end: state = .open
        }
        context.fireChannelRead(data)
    }

    private func discard(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head: break
        case .body(let bytes):
            left -= bytes.readableBytes
            if left < 0 { close(context) }
        case .end: close(context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Behind this handler nobody asks for more.
        if state == .discarding { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        open = max(open - 1, 0)
        guard state == .last, open == 0 else { return context.write(data, promise: promise) }
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [self] _ in
            guard state == .last else { return }
            state = .discarding
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in self?.close(context) }
            context.read()
        }
        context.write(data, promise: written)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if state == .discarding, case .inputClosed? = event as? ChannelEvent { return close(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func close(_ context: ChannelHandlerContext) {
        guard state == .discarding else { return }
        state = .closed
        timer?.cancel()
        context.close(promise: nil)
    }
}
