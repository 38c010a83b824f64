internal import Logging
internal import NIOCore
internal import Platform
internal import Synchronization

/// How many connections are open, and for how many there is room. Any thread.
///
/// The last places are for short questions, so that whoever watches the process is answered while clients hold all others: who gets
/// one of them has to ask at once, and is told of `/health` and nothing else.
final class ConnectionRoom: Sendable {
    /// How many connections may be open at once; more wait until one is closed.
    let limit: Int
    /// How many of them are served in full.
    let usual: Int
    /// How long a client in one of the last places may take for the head of a request.
    static let shortTime = TimeAmount.milliseconds(500)

    private let logger: Logger
    private let state = Mutex(State())
    /// How many connections have one of the last places.
    private let shortCount = Atomic<Int>(0)

    private struct State {
        var count = 0
        var short: Set<ObjectIdentifier> = []
        var nextNotice = NIODeadline.uptimeNanoseconds(0)
    }

    /// - Parameters:
    ///   - asked: how many connections may be open at once.
    ///   - descriptors: how many files and connections the process may have open; nil for any number.
    init(_ asked: Int, descriptors: Int? = ProcessLimit.descriptors.current, logger: Logger) {
        // Stores, scripts and what these call need some as well.
        let free = descriptors.map { $0 - max($0 / 4, 32) } ?? asked
        limit = max(min(asked, free), 4)
        usual = limit - min(limit / 4, 64)
        self.logger = logger
    }

    /// Takes a place for a connection.
    ///
    /// - Returns: whether it is one of the last places.
    func enter(_ channel: any Channel) -> Bool {
        let (isShort, tells) = state.withLock { state in
            state.count += 1
            guard state.count > usual else { return (false, false) }
            state.short.insert(ObjectIdentifier(channel))
            shortCount.store(state.short.count, ordering: .releasing)
            let tells = state.nextNotice <= .now()
            if tells { state.nextNotice = .now() + .minutes(1) }
            return (true, tells)
        }
        if tells {
            logger.warning(
                "\(usual) connections are open; those beyond are answered with 503 until some are closed (ulimit -n)")
        }
        return isShort
    }

    /// Gives the place of a connection back. Called once for each that entered.
    func leave(_ channel: any Channel) {
        state.withLock { state in
            state.count -= 1
            if state.short.remove(ObjectIdentifier(channel)) != nil {
                shortCount.store(state.short.count, ordering: .releasing)
            }
        }
    }

    /// Whether a connection has one of the last places.
    func isShort(_ channel: any Channel) -> Bool {
        shortCount.load(ordering: .acquiring) > 0 && state.withLock { $0.short.contains(ObjectIdentifier(channel)) }
    }
}

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
