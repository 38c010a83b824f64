internal import FlatValue
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// What a server does that is no answer in HTTP.
enum OddAnswer: Error {
    /// A status that HTTP does not have.
    case status(UInt)
    /// More than ``ResponseGuard/informationalLimit`` informational answers before the real one.
    case endlessInformation
    /// Parts of an answer that belong to no request.
    case unasked
    /// A used connection was found closed before anything was sent on it.
    case closedBeforeRequest
    /// The name of the host leads to an address that nobody allowed.
    case forbiddenAddress(String, port: Int)
    /// A used connection ended after the request was sent, before the first byte of the answer.
    case closedBeforeAnswer
}

/// Stands in each connection between the decoder and the client, which traps on answers that HTTP does not allow.
///
/// It lets through one final head, its body and its end for each request, and reports everything else as an ``OddAnswer``
/// before it closes the connection. It belongs to the channel's event loop.
final class ResponseGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    static let informationalLimit = 100

    /// How the target of a request is written.
    enum TargetForm: Sendable {
        /// `/path?query`: to the server itself.
        case origin
        /// `http://host/path?query`: to a proxy; the host is that of the Host header.
        case absolute
    }

    private enum State {
        /// No request is under way.
        case idle
        /// A request was sent, and no final head has come.
        case waiting
        /// The head has come, the end has not.
        case receiving
        /// Something was wrong; whatever comes is dropped.
        case broken
    }

    /// Whether a request for a host may go to an address; the host is that of the Host header.
    typealias AddressCheck = @Sendable (_ address: String, _ host: String, _ port: Int) -> Bool

    private let form: TargetForm
    private let allows: AddressCheck?
    private var state = State.idle
    /// Requests that were sent on this connection.
    private var requests = 0
    /// Informational heads of the answer that is awaited.
    private var informational = 0
    /// An error that the client has not been told yet.
    private var pending: OddAnswer?

    /// - Parameter allows: nil where the connection is a proxy's, which resolves names itself.
    init(form: TargetForm, allows: AddressCheck? = nil) {
        self.form = form
        self.allows = allows
    }

    /// Adds a guard to a new connection of the client.
    static func install(
        in channel: any Channel, form: TargetForm, allows: AddressCheck? = nil
    ) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            try pipeline.addHandler(ResponseGuard(form: form, allows: allows), position: .after(decoder))
        }
    }

    // MARK: Requests

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data) else {
            if case .broken = state {
                promise?.fail(OddAnswer.closedBeforeRequest)
            } else {
                context.write(data, promise: promise)
            }
            return
        }
        if requests > 0, peerHasClosed(context.channel) {
            promise?.fail(OddAnswer.closedBeforeRequest)
            state = .broken
            pending = .closedBeforeRequest
            // The client is in the middle of its write: it learns of the error in the next turn of the loop.
            context.eventLoop.assumeIsolated().execute { self.report(context) }
            return
        }
        if let allows, let address = context.channel.remoteAddress?.ipAddress {
            let host = Self.hostName(head.headers.first(name: "host") ?? "")
            let port = context.channel.remoteAddress?.port ?? 0
            if !allows(address, host, port) {
                let error = OddAnswer.forbiddenAddress(address, port: port)
                promise?.fail(error)
                state = .broken
                pending = error
                context.eventLoop.assumeIsolated().execute { self.report(context) }
                return
            }
        }
        requests += 1
        informational = 0
        state = .waiting
        if form == .absolute, let host = head.headers.first(name: "host") { head.uri = "http://\(host)\(head.uri)" }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    /// The host of a Host header, without brackets and port.
    static func hostName(_ header: String) -> String {
        if let address = header.rest(after: "["), let end = address.firstPlace(of: "]") {
            return String(address[..<end])
        }
        guard let colon = header.firstPlace(of: ":"), colon == header.lastPlace(of: ":") else { return header }
        return String(header[..<colon])
    }

    /// Whether the end of a used connection has come in, though the event loop has not seen it yet.
    private func peerHasClosed(_ channel: any Channel) -> Bool {
        guard channel.isActive else { return true }
        var isClosed = false
        #if os(Linux)
            // Answered in place on the event loop.
            if let options = channel as? any SocketOptionProvider {
                let established: UInt8 = 1
                options.getTCPInfo().assumeIsolated().whenSuccess { isClosed = $0.tcpi_state != established }
            }
        #endif
        return isClosed
    }

    // MARK: Answers

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (_, .broken): break
        case (.head(let head), .waiting):
            switch head.status.code {
            case 101, 200...599:
                state = .receiving
                context.fireChannelRead(data)
            case 100...199:
                informational += 1
                if informational > Self.informationalLimit { fail(context, OddAnswer.endlessInformation) }
            case let code: fail(context, OddAnswer.status(code))
            }
        case (.body, .receiving): context.fireChannelRead(data)
        case (.end, .receiving):
            state = .idle
            context.fireChannelRead(data)
        case (.head, .idle), (.head, .receiving), (.body, .idle), (.body, .waiting), (.end, .idle), (.end, .waiting):
            fail(context, OddAnswer.unasked)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .broken = state { return }
        if isStale, error is IOError {
            fail(context, OddAnswer.closedBeforeAnswer)
        } else {
            state = .broken
            context.fireErrorCaught(error)
        }
    }

    private func report(_ context: ChannelHandlerContext) {
        guard let error = pending else { return }
        pending = nil
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let error = pending {
            pending = nil
            context.fireErrorCaught(error)
        } else if isStale {
            state = .broken
            context.fireErrorCaught(OddAnswer.closedBeforeAnswer)
        }
        context.fireChannelInactive()
    }

    /// Whether the connection served a request before, and nothing has come for the one that it has now.
    private var isStale: Bool {
        if case .waiting = state { requests > 1 && informational == 0 } else { false }
    }

    private func fail(_ context: ChannelHandlerContext, _ error: OddAnswer) {
        state = .broken
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}
