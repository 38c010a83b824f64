internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Closes a connection whose client takes too long for a request: for its head, for its body, or between two of them, or takes nothing
/// of an answer. One that
/// sends a byte now and then does not hold it open. A stream whose client has closed their side is closed as well, and so is a request
/// that waits for a run, after a while, in which whoever sends all at once gets their answer.
///
/// A deadline that moves costs a look at the clock and no more: the timer stays where it is, and sees when it fires whether the time
/// is over by then.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var head: TimeAmount
    private let body: TimeAmount
    private let taking: TimeAmount
    private let halfClosed: TimeAmount
    private let waits: OpenWaits
    private let room: ConnectionRoom
    /// The connection has a place in ``room``.
    private var isIn = false
    /// When the connection is to be closed; nil while nothing of the client is awaited.
    private var deadline: NIODeadline?
    /// Fires at ``due``, which is never after the deadline.
    private var timer: Scheduled<Void>?
    private var due = NIODeadline.distantFuture
    /// Looks whether the request of a client that has closed their side waits.
    private var halfClosedTimer: Scheduled<Void>?
    /// Fires when the client has taken nothing for too long.
    private var takingTimer: Scheduled<Void>?
    /// The answer that is being written is a stream of events.
    private var isStreaming = false
    /// Requests whose heads have been read and that have not been answered.
    private var open = 0

    /// - Parameters:
    ///   - taking: how long the client may take nothing of an answer that is no stream.
    ///   - halfClosed: how long a request may wait for a run once the client has closed their side.
    init(
        head: Duration, body: Duration, taking: Duration, halfClosed: Duration, waits: OpenWaits, room: ConnectionRoom
    ) {
        self.taking = TimeAmount(taking)
        self.head = TimeAmount(head)
        self.body = TimeAmount(body)
        self.halfClosed = TimeAmount(halfClosed)
        self.waits = waits
        self.room = room
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop(context) }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop(context)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            open += 1
            expect(within: body, context)
        case .body: break
        case .end: if open == 0 { expect(within: head, context) } else { deadline = nil }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isStreaming = head.headerFields[.contentType]?.hasPrefix("text/event-stream") == true
        case .body: break
        case .end:
            isStreaming = false
            open = max(open - 1, 0)
            if open == 0 { expect(within: head, context) }
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable || isStreaming {
            takingTimer?.cancel()
            takingTimer = nil
        } else if takingTimer == nil {
            let channel = context.channel
            takingTimer = context.eventLoop.scheduleTask(in: taking) { channel.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            // Whoever follows a stream and closes their side has gone.
            if isStreaming { return context.close(promise: nil) }
            closeWait(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func begin(_ context: ChannelHandlerContext) {
        if !isIn {
            isIn = true
            switch room.enter(context.channel) {
            case .usual: break
            case .short: head = min(head, ConnectionRoom.shortTime)
            case .none: return context.close(promise: nil)
            }
        }
        expect(within: head, context)
    }

    /// Gives the client so much time from now on.
    private func expect(within time: TimeAmount, _ context: ChannelHandlerContext) {
        let end = NIODeadline.now() + time
        deadline = end
        if timer == nil || due > end { schedule(at: end, context) }
    }

    private func schedule(at time: NIODeadline, _ context: ChannelHandlerContext) {
        timer?.cancel()
        due = time
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in self?.fire(context) }
    }

    private func fire(_ context: ChannelHandlerContext) {
        timer = nil
        guard let deadline else { return }
        if deadline <= .now() { context.channel.close(promise: nil) } else { schedule(at: deadline, context) }
    }

    /// Closes the connection as soon as its request waits for a run when it is looked at.
    private func closeWait(_ context: ChannelHandlerContext) {
        halfClosedTimer = context.eventLoop.assumeIsolated().scheduleTask(in: halfClosed) { [weak self] in
            guard let self else { return }
            halfClosedTimer = nil
            guard context.channel.isActive else { return }
            if waits.isWaiting(context.channel) {
                context.channel.close(promise: nil)
            } else {
                closeWait(context)
            }
        }
    }

    private func stop(_ context: ChannelHandlerContext) {
        if isIn { room.leave(context.channel) }
        isIn = false
        halfClosedTimer?.cancel()
        halfClosedTimer = nil
        takingTimer?.cancel()
        takingTimer = nil
        deadline = nil
        timer?.cancel()
        timer = nil
    }
}
