internal import FlatValue
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Server-sent events of runs.
enum EventStream {
    /// A run that has just been started, and then each that goes on in its place: `run`, its events, and at the end of the last one
    /// or at a pause `result`.
    ///
    /// - Parameter redacts: without what schemas call secret.
    static func run(
        _ id: String, _ request: APIRequest, _ core: ServerCore, follow: Bool, redacts: Bool
    ) async throws -> Response {
        let chain = StreamedChain(try await core.directory.events(of: id))
        return response(
            core, request, nudge: { [weak chain] in chain?.nudge() }, cancel: { [weak chain] in chain?.cancel() }
        ) { writer in
            var id = id
            while true {
                let subscription = chain.current
                var successor = Successor()
                try await writer.frame("run", ["runId": Value(id)])
                while let item = await subscription.next() {
                    switch item {
                    case .events(let events):
                        for event in events { successor.take(event) }
                        try await writer.events(events, redacts: redacts)
                    // A secret may come in pieces, none of which is known for a part of it; the whole is recorded.
                    case .transient(let event) where redacts && event.mayHaveSecrets: continue
                    case .transient(let event): try await writer.frame(event.type, event.value)
                    case .idle: try await writer.comment()
                    case .settled:
                        if follow { continue }
                        let record = try await core.directory.record(of: id)
                        // Somebody may have answered meanwhile.
                        if record.status == .running || record.restartedAs != nil { continue }
                        return try await writer.result { try ResultFrames.frame(record, redacts: redacts) }
                    }
                }
                guard case .over? = await subscription.end, let next = successor.id else {
                    return try await end(subscription, id, core, &writer, redacts: redacts)
                }
                id = next
                chain.goOn(try await core.directory.events(of: next))
            }
        }
    }

    /// The run that goes on in place of another one, as the events of that one tell.
    private struct Successor {
        private var named: String?
        private(set) var id: String?

        /// A cancel may still come between the wish to restart and the end of the run.
        mutating func take(_ event: RunEvent) {
            switch event.type {
            case .workflowRestart: named = event.data?["run"]?.string
            case .workflowSuccess: id = named
            default: break
            }
        }
    }

    /// A run from an event on: its events, and `result` when it is over.
    static func events(
        of id: String, after sequence: Int, isBrief: Bool, _ request: APIRequest, _ core: ServerCore,
        redacts: Bool
    ) async throws -> Response {
        if request.request.method == .head { return Response(status: .ok, headers: headers) }
        let subscription = try await core.directory.events(of: id, after: sequence)
        return response(core, request, subscription) { writer in
            try await writer.frame("run", ["runId": Value(id)])
            while let item = await subscription.next() {
                switch item {
                case .events(let events): try await writer.events(events, isBrief: isBrief, redacts: redacts)
                case .transient(let event) where redacts && event.mayHaveSecrets: continue
                case .transient(let event): try await writer.frame(event.type, event.value)
                case .idle: try await writer.comment()
                case .settled: continue
                }
            }
            try await end(subscription, id, core, &writer, redacts: redacts)
        }
    }

    /// All runs. Events that a client is too slow for are passed over, and `missed` tells how many.
    static func all(
        _ filter: EventFilter, _ request: APIRequest, _ core: ServerCore, redacts: Bool
    ) -> Response {
        if request.request.method == .head { return Response(status: .ok, headers: headers) }
        let outbox = core.broadcast.open(filter, redacts: redacts)
        return response(
            core, request,
            nudge: { [weak outbox] in outbox?.nudge() },
            cancel: { [weak outbox] in
                guard let outbox else { return }
                outbox.finish(.cancelled)
                core.broadcast.close(outbox)
            }
        ) { writer in
            try await writer.comment()
            while true {
                let (items, end) = await outbox.take()
                // One write costs as much as many bytes do; what is joined is a copy of what all streams share, and small.
                var joined = ByteBuffer()
                for item in items {
                    switch item {
                    case .frames(let frames) where frames.readableBytes >= FrameWriter.portion:
                        try await writer.write(joined)
                        joined = ByteBuffer()
                        try await writer.write(frames)
                    case .frames(var frames): joined.writeBuffer(&frames)
                    case .missed(let count): joined.writeString("event: missed\ndata: {\"missed\":\(count)}\n\n")
                    case .idle: joined.writeString(":\n\n")
                    }
                    if joined.readableBytes >= FrameWriter.portion {
                        try await writer.write(joined)
                        joined = ByteBuffer()
                    }
                }
                if joined.readableBytes > 0 { try await writer.write(joined) }
                switch end {
                case nil: break
                case .failed(_, let message)?: return try await writer.frame("error", ["message": Value(message)])
                case .over?, .closed?, .cancelled?: return try await writer.retry()
                }
                // What comes meanwhile goes out together, so that many streams are not woken for each event.
                try await _Concurrency.Task.sleep(for: core.broadcast.pause)
            }
        }
    }

    private static func end(
        _ subscription: EventSubscription, _ id: String, _ core: ServerCore, _ writer: inout FrameWriter,
        redacts: Bool
    ) async throws {
        switch await subscription.end {
        case .over: try await writer.result { try await core.results.frame(of: id, redacts: redacts) }
        case .failed(_, let message): try await writer.frame("error", ["message": Value(message)])
        case .closed, .cancelled, nil: try await writer.retry()
        }
    }

    private static func response(
        _ core: ServerCore, _ request: APIRequest, _ subscription: EventSubscription,
        _ body: @escaping @Sendable (inout FrameWriter) async throws -> Void
    ) -> Response {
        response(
            core, request, nudge: { [weak subscription] in subscription?.nudge() },
            cancel: { [weak subscription] in subscription?.cancel() }, body)
    }

    private static let headers: HTTPFields = [
        .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache", .accelBuffering: "no",
    ]

    /// A stream.
    ///
    /// - Parameters:
    ///   - nudge: has `body` write something soon, whatever happens.
    ///   - cancel: lets go of what feeds the stream, and has `body` end if it is under way; called once the client is gone or
    ///     `body` has ended, and maybe twice. A client may be gone before `body` begins, which it does not then.
    private static func response(
        _ core: ServerCore, _ request: APIRequest, nudge: @escaping @Sendable () -> Void,
        cancel: @escaping @Sendable () -> Void,
        _ body: @escaping @Sendable (inout FrameWriter) async throws -> Void
    ) -> Response {
        request.context.channel.closeFuture.whenComplete { _ in cancel() }
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                let heartbeat = _Concurrency.Task {
                    while !_Concurrency.Task.isCancelled {
                        try await _Concurrency.Task.sleep(for: core.options.heartbeat)
                        nudge()
                    }
                }
                core.metrics.streamBegan()
                defer {
                    heartbeat.cancel()
                    cancel()
                    core.metrics.streamEnded()
                }
                await FrameWriter.bound(request.context.channel)
                var frames = FrameWriter(writer, core.directory.events.turns)
                do {
                    try await body(&frames)
                } catch  where error is RunFailure || error is JournalError {
                    // The run has been removed meanwhile, or the store fails: the client learns it and comes to an end.
                    try await frames.frame("error", ["message": Value(APIError(error).message)])
                }
                try await frames.finish()
            })
    }
}

/// The subscription to the run that a stream has come to, of those that go on in each other's place. Any thread.
private final class StreamedChain: Sendable {
    private let state: Mutex<(subscription: EventSubscription, isCancelled: Bool)>

    init(_ first: EventSubscription) { state = Mutex((first, false)) }

    var current: EventSubscription { state.withLock { $0.subscription } }

    /// Has the stream go on with another run; at once over where it has been cancelled.
    func goOn(_ next: EventSubscription) {
        let isCancelled = state.withLock { state in
            state.subscription = next
            return state.isCancelled
        }
        if isCancelled { next.cancel() }
    }

    func nudge() { current.nudge() }

    func cancel() {
        let subscription = state.withLock { state in
            state.isCancelled = true
            return state.subscription
        }
        subscription.cancel()
    }
}
