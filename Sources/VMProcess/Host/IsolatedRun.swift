package import LuaWorkflows
package import WorkflowCore
package import WorkflowEngine

/// One run that a VM process drives, as its caller holds it. May be used from any thread.
package final class IsolatedRun: Sendable {
    package let id: String
    package let workflow: Workflow
    private let supervisor: VMSupervisor

    fileprivate init(_ id: String, _ workflow: Workflow, _ supervisor: VMSupervisor) {
        self.id = id
        self.workflow = workflow
        self.supervisor = supervisor
    }

    /// Begins the run; called once, for a run of ``VMSupervisor/makeRun(of:in:id:grant:start:)``.
    package func begin() { supervisor.perform { [id] in $0.runs[id]?.begin(in: $0) } }

    /// Goes on with the run; called once, for a run of ``VMSupervisor/restore(_:_:messages:of:in:)``.
    package func resume() { supervisor.perform { [id] in $0.runs[id]?.resume(in: $0) } }

    /// Tells a feed of everything that the run records, from the first event on.
    package func follow(_ feed: any HostedFeed) { supervisor.perform { [id] in $0.runs[id]?.follow(feed) } }

    /// Waits until the run is over, or waits for a person or a signal.
    ///
    /// - Throws: ``RunFailure`` when nothing more happens to the run here.
    package func settled() async throws -> RunRecord { try await settled(beyond: 0) }

    private func settled(beyond count: Int) async throws -> RunRecord {
        try await withCheckedThrowingContinuation { continuation in
            supervisor.perform { [id] supervisor in
                guard let run = supervisor.runs[id] else { return continuation.resume(throwing: RunFailure.vmStopped) }
                run.wait(beyond: count, continuation)
            }
        }
    }

    /// Answers a human step and waits until the run is over or waits again; see ``WorkflowRun/resume(step:data:)``.
    package func resume(step path: String?, data: Value) async throws -> RunRecord {
        let count = try await deliver { run throws(RunFailure) in
            InboxMessage.Content(kind: .reply, target: try run.waitingPath(path), payload: data)
        }
        return try await settled(beyond: count)
    }

    /// Gives the run a signal; see ``WorkflowRun/signal(_:payload:)``.
    package func signal(_ event: String, payload: Value) async throws {
        _ = try await deliver { _ in InboxMessage.Content(kind: .signal, target: event, payload: payload) }
    }

    /// Asks the run to stop, whatever it does.
    package func cancel(reason: String) {
        supervisor.perform { [id] supervisor in
            guard let run = supervisor.runs[id], !run.isGone else { return }
            run.cancel(reason)
            supervisor.post(
                InboxMessage.Content(kind: .cancel, target: "", payload: ["reason": Value(reason)]), to: run
            ) { _ in }
        }
    }

    /// How many events the run had before it took the message.
    private func deliver(
        _ content: @escaping @Sendable (HostedRun) throws(RunFailure) -> InboxMessage.Content
    ) async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            supervisor.perform { [id] supervisor in
                guard let run = supervisor.runs[id], run.failure == nil else {
                    return continuation.resume(throwing: RunFailure.vmStopped)
                }
                let count = run.count
                do throws(RunFailure) {
                    supervisor.post(try content(run), to: run) { answer in
                        switch answer {
                        case .taken: continuation.resume(returning: count)
                        case .refused(let code, let message):
                            continuation.resume(throwing: RunFailure(code: code, message: message))
                        }
                    }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// Lets nothing more of the run begin, waits until what is under way has ended, and gives the run back to the store; see
    /// ``WorkflowRun/release(within:)``.
    package func release(within grace: Duration) async throws(JournalError) -> Bool {
        let quiet = Gate()
        supervisor.perform { [id] supervisor in
            guard let run = supervisor.runs[id], !run.isGone, let child = supervisor.child else { return quiet.open() }
            run.onceQuiet { quiet.open() }
            child.send(Frame(.hold, ["run": Value(id)]))
        }
        _ = await quiet.passed(within: grace)
        let held = await withCheckedContinuation { continuation in
            supervisor.perform { [id] supervisor in
                let run = supervisor.runs[id]
                continuation.resume(returning: run?.cancelReason == nil ? run.map { Held(run: $0.journaled) } : nil)
            }
        }
        // Whoever cancels wants to see the end.
        guard let held else { return false }
        try await supervisor.store.release([held.run])
        supervisor.perform { [id] supervisor in
            guard let run = supervisor.runs[id], !run.isGone else { return }
            supervisor.child?.send(Frame(.drop, ["run": Value(id)]))
            run.lose(
                RunFailure(code: "released", message: "run \(id) has been given back to the store"), in: supervisor)
        }
        return try await supervisor.store.header(of: id)?.status.isTerminal != true
    }

    private struct Held: @unchecked Sendable {
        let run: JournaledRun
    }
}

extension VMSupervisor {
    /// Makes a run of a workflow; nothing happens before it is begun.
    ///
    /// - Parameters:
    ///   - script: one that this supervisor has loaded.
    ///   - grant: what the run's host calls may do, as it is kept in its journal.
    package func makeRun(
        of workflow: Workflow, in script: LuaScript, id: String, grant: Value, input: Value, metadata: Value?,
        ctx: Value?,
        trace: Value?, tags: RunTags = .none
    ) -> IsolatedRun {
        let origin = RunOrigin(
            grant: grant, fingerprint: workflow.plan.fingerprint,
            inputDigest: WorkflowRun.inputDigest(of: workflow, input: input, metadata: metadata, ctx: ctx))
        let start = RunStart(input: input, metadata: metadata, ctx: ctx, trace: trace, tags: tags)
        perform { supervisor in
            let journaled = JournaledRun(
                id: id, workflow: workflow.id, generation: script.generationID, origin: origin)
            supervisor.runs[id] = HostedRun(
                journaled, of: workflow, script: supervisor.number(of: script), start: start,
                decoder: JournalDecoder(plan: workflow.plan))
        }
        return IsolatedRun(id, workflow, self)
    }

    /// Takes a run of the store, which its journal has claimed; nothing happens before it is resumed.
    package func restore(
        _ journaled: JournaledRun, _ stored: StoredRun, messages: [InboxMessage], of workflow: Workflow,
        in script: LuaScript
    ) throws(JournalError) -> IsolatedRun {
        // What is handed on has to be whole, and to fit.
        _ = try stored.decoded(on: workflow.plan)
        perform { supervisor in
            guard let decoder = try? stored.decoded(on: workflow.plan) else { return }
            let run = HostedRun(
                journaled, of: workflow, script: supervisor.number(of: script), start: nil, decoder: decoder)
            supervisor.runs[journaled.id] = run
            // They go along with the run.
            for message in messages { run.send(message, to: nil) }
        }
        return IsolatedRun(journaled.id, workflow, self)
    }

    private func number(of script: LuaScript) -> Int64 { scripts.first { $0.value.script === script }?.key ?? 0 }
}
