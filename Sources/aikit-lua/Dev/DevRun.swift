internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// A run of a dev session; what happens to it is posted.
final class DevRun: Sendable {
    let handle: RunHandle
    let input: Value
    private let origin: DevOrigin
    private let state: Mutex<State>
    private let post: @Sendable (Message) -> Void

    private struct State {
        /// The newest of its chain.
        var run: WorkflowRun
        /// Why it is to stop, once somebody has asked for that.
        var cancelReason: String?
    }

    init(
        _ run: WorkflowRun, input: Value, generation: Int, origin: DevOrigin,
        post: @escaping @Sendable (Message) -> Void
    ) {
        state = Mutex(State(run: run))
        self.input = input
        self.origin = origin
        handle = RunHandle(id: run.id, plan: run.definition.plan, note: "on gen \(generation)" + origin.note)
        self.post = post
    }

    /// Starts the run, and tells when it waits for somebody and when it is over.
    func start(metadata: Value?, ctx: Value?) {
        let run = run
        run.follow(ProgressFeed(plan: run.definition.plan, past: origin.pastEvents, post: post))
        run.followSuccessors()
        perform { [self, input, origin] in
            switch origin {
            case .start: try run.start(input: input, metadata: metadata, ctx: ctx)
            case .fork(let fork, let source): try await run.start(taking: fork, of: source)
            }
            try await tell(try await run.settled())
        }
    }

    private var run: WorkflowRun { state.withLock(\.run) }

    /// Tells where the run stands until it is over; one that has ended in favour of another one is gone on with there.
    private func tell(_ settled: RunRecord) async throws {
        var record = settled
        while true {
            if let next = record.restartedAs, let successor = advance() {
                post(.text("run \(record.id) goes on as \(next)"))
                successor.follow(ProgressFeed(plan: successor.definition.plan, past: 0, post: post))
                record = try await successor.settled()
                continue
            }
            post(.settled(record))
            if record.isOver { return }
            record = try await run.finished()
        }
    }

    /// The run that goes on in place of one that has ended; it is to stop if that one was.
    private func advance() -> WorkflowRun? {
        let (next, reason) = state.withLock { state -> (WorkflowRun?, String?) in
            guard let next = state.run.takeSuccessor() else { return (nil, nil) }
            state.run = next
            return (next, state.cancelReason)
        }
        if let reason { next?.cancel(reason: reason) }
        return next
    }

    /// Answers a step that waits for a person.
    func answer(_ path: String, with data: Value) {
        perform { [run, post] in
            do {
                post(.settled(try await run.resume(step: path, data: data)))
            } catch let refusal as RunFailure {
                post(.refused(refusal))
            }
        }
    }

    /// Stops the run, or whichever goes on in its place.
    func cancel(reason: String) {
        let run = state.withLock { state in
            state.cancelReason = reason
            return state.run
        }
        run.cancel(reason: reason)
    }

    /// Gives the run back to the store, where it can be taken up again; `released` follows if it is not over.
    func letGo() {
        perform { [run, post] in
            if try await run.release(within: .seconds(1)) { post(.released) }
        }
    }

    private func perform(_ body: @escaping @Sendable () async throws -> Void) {
        Task.detached { [post] in
            do {
                try await body()
            } catch let failure as RunFailure where failure.code == RunFailure.Code.released {
            } catch {
                post(.failed(error))
            }
        }
    }
}

extension RunRecord {
    /// Whether nothing more can happen to the run.
    var isOver: Bool { status.isTerminal }
}
