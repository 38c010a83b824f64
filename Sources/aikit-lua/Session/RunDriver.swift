internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Does what the session asks of the engine, off the main thread, and reports to the mailbox.
///
/// One thing is under way at a time: loading and starting the run, or an answer to it.
final class RunDriver: Sendable {
    private let mailbox: Mailbox
    private let state = Mutex(State())

    private struct State {
        var run: WorkflowRun?
        var cancelReason: String?
    }

    init(mailbox: Mailbox) { self.mailbox = mailbox }

    /// Makes a run with `body`, starts it or moves it on, and waits until it is over or waits for somebody.
    func start(_ body: @escaping @Sendable () async throws -> RunLoader.Loaded, plan: RunPlan) {
        Task.detached { [self] in
            do {
                let loaded = try await body()
                let run = loaded.run
                let handle = RunHandle(run)
                let reason = state.withLock { state in
                    state.run = run
                    return state.cancelReason
                }
                mailbox.post(.started(handle))
                run.follow(ProgressFeed(past: loaded.pastEvents, mailbox: mailbox))
                if plan.printsEvents {
                    run.follow(
                        JSONFeed(plan: handle.plan, runID: run.id, past: loaded.pastEvents, mailbox: mailbox))
                }
                switch plan.continuation?.push {
                case nil: try run.start(input: plan.input, metadata: plan.metadata, ctx: plan.ctx)
                case .answer(let step, let data): _ = try await run.resume(step: step, data: data)
                case .signal(let event, let data): try await run.signal(event, payload: data)
                }
                if let reason { run.cancel(reason: reason) }
                mailbox.post(.settled(try await run.settled()))
            } catch {
                mailbox.post(.failed(error))
            }
        }
    }

    /// Answers a step that waits for a person.
    func answer(_ path: String, with data: Value) {
        guard let run = state.withLock({ $0.run }) else { return }
        Task.detached { [mailbox] in
            do {
                mailbox.post(.settled(try await run.resume(step: path, data: data)))
            } catch let refusal as RunFailure {
                mailbox.post(.refused(refusal))
            } catch {
                mailbox.post(.failed(error))
            }
        }
    }

    /// Waits until a run that stood still, and goes on by itself, stands still again.
    func awaitRun() {
        guard let run = state.withLock({ $0.run }) else { return }
        Task.detached { [mailbox] in
            do {
                mailbox.post(.settled(try await run.settled()))
            } catch {
                mailbox.post(.failed(error))
            }
        }
    }

    /// Asks the run to stop; may be called from any thread, and before there is a run.
    ///
    /// - Returns: whether there is a run that will tell of its end.
    @discardableResult
    func cancel(reason: String) -> Bool {
        let run = state.withLock { state in
            if state.cancelReason == nil { state.cancelReason = reason }
            return state.run
        }
        run?.cancel(reason: reason)
        return run != nil
    }
}
