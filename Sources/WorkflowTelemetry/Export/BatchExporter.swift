internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// What is sent of one span: a part of a request's body, as text.
typealias ExportPiece = [UInt8]

/// Sends pieces to one endpoint, in batches, from a queue that is bounded by their number and their bytes.
///
/// Offering is quick and never waits: what the queue has no room for is dropped and counted. A request that fails is sent again
/// with a growing wait, or after the wait that the server asks for where that is longer, as far as OTLP lets it: after 429, 502,
/// 503, 504 and where there was no answer.
final class BatchExporter: Sendable {
    /// The most that one request has, in bytes before it is packed.
    static let requestBytes = 4 << 20
    /// Milliseconds between two looks for something to send.
    private static let leastDelay = 10
    private static let firstWait = 500.0
    private static let longestWait = 10_000.0
    /// How long whoever makes spans waits for room, as long as the endpoint takes some.
    private static let roomWait = Duration.milliseconds(200)

    let envelope: ExportEnvelope
    /// By which processes know that they send the same to the same kind of endpoint.
    let name: String
    private let settings: ExportSettings
    private let post: SpanPost
    private let troubles: Troubles
    private let state = Mutex(State())

    private struct Waiting {
        var piece: ExportPiece
        /// Where is told what becomes of it.
        var delivery: Delivery?
    }

    private struct State {
        var pieces: [Waiting] = []
        /// The first one that has not been taken out.
        var first = 0
        var bytes = 0
        var isFinished = false
        /// Pieces that were taken, and those of them that have been sent or given up.
        var takenCount = 0
        var settledCount = 0
        /// Pieces without a delivery that were neither sent nor refused for good, as there was no time or the endpoint failed.
        var unsentCount = 0
        /// Nothing was taken out for as long as anybody waits for that.
        var isStuck = false
        /// Opened when there is a whole batch, or nothing more comes.
        var waker: Gate?
        /// Opened when something is taken out.
        var room: Gate?

        var count: Int { pieces.count - first }

        mutating func append(_ piece: ExportPiece, for delivery: Delivery? = nil) {
            delivery?.begin()
            pieces.append(Waiting(piece: piece, delivery: delivery))
            bytes += piece.count
            takenCount &+= 1
        }
    }

    init(
        _ endpoint: ExportSettings.Endpoint, _ envelope: ExportEnvelope, settings: ExportSettings,
        leaves: Bool = false, http: any HostGateway, warn: @escaping @Sendable (String) -> Void
    ) {
        self.envelope = envelope
        name = "\(envelope.signal)/\(endpoint.kind)"
        self.settings = settings
        post = SpanPost(endpoint, http: http)
        troubles = Troubles(endpoint: endpoint.name, things: envelope.signal.things, leaves: leaves, warn: warn)
    }

    // MARK: Taking

    /// Takes pieces to be sent; any thread.
    ///
    /// - Parameter leavingRoom: whether a quarter of the queue is left free, for what is worth more than these.
    func offer(_ pieces: [ExportPiece], leavingRoom: Bool = false) {
        if pieces.isEmpty { return }
        let (dropped, late, waker) = state.withLock { state -> (Int, Int, Gate?) in
            if state.isFinished {
                state.unsentCount &+= pieces.count
                return (0, pieces.count, nil)
            }
            var dropped = 0
            for piece in pieces {
                if hasRoom(state, for: piece.count, leavingRoom) {
                    state.append(piece)
                } else {
                    dropped += 1
                }
            }
            let isReady = state.count >= settings.batchSize || state.bytes >= Self.requestBytes
            return (dropped, 0, isReady ? state.waker.take() : nil)
        }
        if dropped > 0 { drop(dropped) }
        if late > 0 { troubles.leave(late, "there was no time left") }
        waker?.open()
    }

    /// Takes pieces that a delivery tells of, and leaves a quarter of the queue free; any thread. It waits for room as long as the
    /// endpoint takes something. What is not taken is not counted as dropped, but is a failure of the delivery.
    func offer(_ pieces: [ExportPiece], for delivery: Delivery) async {
        var next = 0
        while true {
            let (taken, room, waker) = state.withLock { state -> (Int, Gate?, Gate?) in
                var taken = next
                while !state.isFinished, taken < pieces.count, hasRoom(state, for: pieces[taken].count, true) {
                    state.append(pieces[taken], for: delivery)
                    taken += 1
                }
                if taken == pieces.count {
                    let isReady = state.count >= settings.batchSize || state.bytes >= Self.requestBytes
                    return (taken, nil, isReady ? state.waker.take() : nil)
                }
                if state.isStuck || state.isFinished { return (taken, nil, nil) }
                let room = state.room ?? Gate()
                state.room = room
                return (taken, room, state.waker.take())
            }
            next = taken
            waker?.open()
            if next == pieces.count { return }
            guard let room else { return delivery.fail() }
            if await !room.passed(within: Self.roomWait) {
                state.withLock { $0.isStuck = true }
                return delivery.fail()
            }
        }
    }

    /// Counts what was not even made, as there was no room for it; any thread.
    func drop(_ count: Int) {
        let isLate = state.withLock { state in
            if state.isFinished { state.unsentCount &+= count }
            return state.isFinished
        }
        if isLate { troubles.leave(count, "there was no time left") } else { troubles.drop(count, "the queue is full") }
    }

    /// Counts what is larger than a request may be; any thread.
    func dropLarge(_ count: Int) { troubles.drop(count, "a span is larger than 4 MB") }

    /// How many pieces wait, and their bytes.
    var waiting: (count: Int, bytes: Int) { state.withLock { ($0.count, $0.bytes) } }

    /// Whether there is room for one piece more than so many.
    func hasRoom(beyond count: Int) -> Bool {
        state.withLock { !$0.isFinished && $0.count + count < settings.queueSize && $0.bytes < settings.queueBytes }
    }

    private func hasRoom(_ state: State, for bytes: Int, _ leavingRoom: Bool) -> Bool {
        let (most, mostBytes) = (settings.queueSize, settings.queueBytes)
        let (count, size) = leavingRoom ? (most - most / 4, mostBytes - mostBytes / 4) : (most, mostBytes)
        return state.count < count && (state.count == 0 || state.bytes + bytes <= size)
    }

    /// Waits a moment for the queue to be no more than half full, unless the endpoint takes nothing.
    func awaitRoom() async {
        let room = state.withLock { state -> Gate? in
            let isFull = state.count > settings.queueSize / 2 || state.bytes > settings.queueBytes / 2
            guard isFull, !state.isStuck, !state.isFinished else { return nil }
            let room = state.room ?? Gate()
            state.room = room
            return room
        }
        guard let room, await !room.passed(within: Self.roomWait) else { return }
        state.withLock { $0.isStuck = true }
    }

    // MARK: Sending

    /// Nothing is offered any more; ``run()`` ends when the queue is empty.
    func finish() {
        let waker = state.withLock { state in
            state.isFinished = true
            return state.waker.take()
        }
        waker?.open()
    }

    /// Sends until ``finish()``, or until the task is cancelled, which drops what is left.
    func run() async {
        while let batch = await nextBatch() {
            var isSent = false
            if Task.isCancelled {
                troubles.leave(batch.count, "there was no time left")
            } else {
                isSent = await deliver(batch.map(\.piece))
            }
            for waiting in batch { waiting.delivery?.settle(isSent: isSent) }
            state.withLock { state in
                state.settledCount &+= batch.count
                if !isSent { state.unsentCount &+= batch.count { $0.delivery == nil } }
            }
        }
        troubles.finish()
    }

    /// How many pieces have been taken since the beginning, how many of them have been sent or given up, and how many without a
    /// delivery were neither sent nor refused for good.
    var counts: (taken: Int, settled: Int, unsent: Int) {
        state.withLock { ($0.takenCount, $0.settledCount, $0.unsentCount) }
    }

    /// How many pieces have been given up.
    var lost: Int { troubles.lost }

    private func nextBatch() async -> [Waiting]? {
        let waker = Gate()
        let isReady = state.withLock { state in
            if state.isFinished || state.count >= settings.batchSize || state.bytes >= Self.requestBytes { return true }
            state.waker = waker
            return false
        }
        // No delay is no reason to look all the time.
        if !isReady { _ = await waker.passed(within: .milliseconds(max(settings.delay, Self.leastDelay))) }
        let (batch, room) = state.withLock { state -> ([Waiting]?, Gate?) in
            state.waker = nil
            if state.count == 0, state.isFinished { return (nil, nil) }
            var batch: [Waiting] = []
            var bytes = 0
            while state.first < state.pieces.count, batch.count < settings.batchSize {
                let waiting = state.pieces[state.first]
                guard batch.isEmpty || bytes + waiting.piece.count <= Self.requestBytes else { break }
                batch.append(waiting)
                bytes += waiting.piece.count + 1
                state.bytes -= waiting.piece.count
                state.pieces[state.first] = Waiting(piece: [])
                state.first += 1
            }
            if state.first == state.pieces.count {
                state.pieces.removeAll(keepingCapacity: state.first < 10_000)
                state.first = 0
            } else if state.first > state.pieces.count / 2 {
                state.pieces.removeFirst(state.first)
                state.first = 0
            }
            if !batch.isEmpty { state.isStuck = false }
            return (batch, batch.isEmpty ? nil : state.room.take())
        }
        room?.open()
        return batch
    }

    /// Sends one request, as often as it takes; whether it was sent, or refused for good.
    private func deliver(_ batch: [ExportPiece]) async -> Bool {
        guard !batch.isEmpty else { return true }
        let request = post.request(envelope.body(batch))
        let start = SystemClock().elapsed()
        var wait = Self.firstWait
        while true {
            switch await post.send(request) {
            case .taken(let rejected, let reason):
                let rejected = min(rejected, batch.count)
                if rejected > 0 { troubles.drop(rejected, reason) } else if !reason.isEmpty { troubles.warn(reason) }
                return true
            case .refused(let reason):
                troubles.drop(batch.count, reason)
                return true
            case .unreachable(let reason):
                troubles.leave(batch.count, reason)
                return false
            case .failed(let reason, let retryAfter):
                // A server that asks for no wait gets the usual one.
                let own = wait * Double.random(in: 0.8...1.2)
                let asked = max(retryAfter.map { Double($0) * 1000 } ?? 0, own)
                let elapsed = (SystemClock().elapsed() - start) / 1000
                guard !Task.isCancelled, Double(elapsed) + asked < Double(settings.patience) else {
                    troubles.leave(batch.count, reason)
                    return false
                }
                troubles.retry(reason)
                wait = min(wait * 2, Self.longestWait)
                try? await Task.sleep(for: .milliseconds(Int64(asked)))
            }
        }
    }
}
