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

    /// What a connection gets.
    enum Place {
        case usual
        /// One of the last places.
        case short
        /// The process has hardly a descriptor left: the connection is to be closed.
        case none
    }

    /// Takes a place for a connection, which is to be given back whatever it is.
    func enter(_ channel: any Channel) -> Place {
        let spare = DescriptorRoom.spare
        let (isShort, tells, count) = state.withLock { state in
            state.count += 1
            guard state.count > usual || spare < 1 else { return (false, false, state.count) }
            state.short.insert(ObjectIdentifier(channel))
            shortCount.store(state.short.count, ordering: .releasing)
            let tells = state.nextNotice <= .now()
            if tells { state.nextNotice = .now() + .minutes(1) }
            return (true, tells, state.count)
        }
        if tells {
            let why = spare < 1 ? "hardly a file descriptor is left" : "\(count) connections are open"
            logger.warning("\(why); what comes besides is answered with 503 until some are closed (ulimit -n)")
        }
        if spare < 0.25 { return .none }
        return isShort ? .short : .usual
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
