internal import Logging
internal import NIOCore
internal import Platform

/// Has a listener wait for a moment where the system refuses another connection, which it would try again at once. Stands first in the
/// listener's pipeline, so that whoever reads from it hears nothing of that.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = Channel

    private static let time = TimeAmount.milliseconds(200)

    private let logger: Logger
    private var isPaused = false
    private var nextNotice = NIODeadline.uptimeNanoseconds(0)

    init(_ logger: Logger) { self.logger = logger }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let refusal = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(refusal.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        if nextNotice <= .now() {
            nextNotice = .now() + .minutes(1)
            logger.warning("no more connections are taken for now: \(String(cString: strerror(refusal.errnoCode)))")
        }
        if isPaused { return }
        isPaused = true
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.time) { [weak self] in
            self?.isPaused = false
            try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}
