package import FlatValue
package import WorkflowCore

/// Starting runs from what other runs recorded.
extension WorkflowEngine {
    /// Starts a new run that takes over what a recorded one had done up to a point, and goes on from there.
    ///
    /// The recorded results, the metadata, the ctx and the store are those of that moment; steps that had begun and not ended
    /// by then begin again. The new run has the recorded one as its lineage.
    ///
    /// - Parameters:
    ///   - source: the recorded run; it may be over or not, and stays as it is.
    ///   - definition: the workflow that goes on, of the same generation or of another one.
    ///   - point: where the new run leaves the recorded one.
    ///   - input: what the step there gets in place of its recorded input; at the first step the run's input.
    ///   - id: the new run's id; nil makes one.
    ///   - reason: why, in a word: `forked`, `retried`.
    ///   - grant: what the new run's host calls may do, as it is kept in its journal.
    ///   - caller: the span of whoever asks for it, as W3C's header, in whose trace the new run lies; nil for a trace of its own.
    /// - Returns: the run, which is under way, and what it took over.
    /// - Throws: ``ForkError`` when nothing can be taken over up to there, ``RunFailure`` when the code cannot be loaded.
    package func fork(
        _ source: RunRecord, of definition: Workflow, at point: ForkPoint, input: Value? = nil, id: String? = nil,
        reason: String = "forked", grant: Value = .null, caller: String? = nil
    ) async throws -> (run: WorkflowRun, fork: Fork) {
        let fork = try ForkPlanner.fork(source.log, from: source.plan, to: definition.plan, at: point)
        let created = createRun(definition, id: id, grant: grant)
        let taken = try await created.start(taking: fork, of: source, input: input, reason: reason, caller: caller)
        return (created, taken)
    }
}

extension WorkflowRun {
    /// Starts the run with what a fork takes over of a recorded run.
    ///
    /// - Parameters:
    ///   - input: what the step there gets in place of its recorded input; at the first step the run's input.
    ///   - caller: the span in whose trace the run lies, as W3C's header; nil for a trace of its own.
    /// - Returns: what it took over: nothing, if it begins with another input.
    /// - Throws: ``RunFailure`` when the code cannot be loaded.
    @discardableResult
    package func start(
        taking fork: Fork, of source: RunRecord, input: Value? = nil, reason: String = "forked", caller: String? = nil
    ) async throws -> Fork {
        try RunIdentifier.check(id)
        var taken = fork
        let begins = fork.isAtStart && input != nil
        if begins { taken.events = [] }
        let journaled = live.map { _ in
            JournaledRun(
                id: id, workflow: definition.id, generation: definition.generation.id, lineage: source.id,
                origin: RunOrigin(grant: grant, fingerprint: definition.plan.fingerprint))
        }
        try await withCheckedThrowingContinuation { [taken] (continuation: CheckedContinuation<Void, any Error>) in
            let posted = worker.perform { worker in
                do {
                    let run = try worker.makeRun(self.definition, id: self.id)
                    self.attach(run)
                    if begins, let input {
                        let trace = TraceOfSource(source).beginning(of: source, in: caller)
                        worker.begin(
                            run, anewFrom: source, input: input, trace: trace, observer: self, journaled: journaled)
                    } else {
                        worker.observe(run, self)
                        run.journaled = journaled
                        run.take(
                            over: taken, of: source, input: input, reason: reason, caller: caller, at: worker.now)
                        worker.handOver(run)
                        worker.enqueue(run)
                    }
                    continuation.resume()
                } catch {
                    continuation.resume(throwing: RunFailure.loadFailed(error))
                }
            }
            if !posted { continuation.resume(throwing: RunFailure.engineStopped) }
        }
        live?.add(self)
        return taken
    }
}

extension Worker {
    /// Begins a run with another input, and with the metadata, the ctx and the tags that a recorded run began with.
    fileprivate func begin(
        _ run: Run, anewFrom source: RunRecord, input: Value, trace: Value, observer: any RunObserver,
        journaled: JournaledRun?
    ) {
        func first(_ kind: EventKind) -> Value? {
            for index in 0..<source.log.count {
                if source.log[index].kind == kind { return source.log.copy(source.log[index].payload) }
                if source.log[index].kind == .workflowStart { break }
            }
            return Value?.none
        }
        let (metadata, ctx) = (first(.metadataSet), first(.ctxSet))
        let tags = first(.tagsSet).flatMap { try? RunTags($0) } ?? .none
        let (inherited, queueing) = (StartTags(inherited: tags), Queueing(isExempt: true))
        if run.mirror != nil {
            let beginning = RunBeginning(
                input: input, metadata: metadata, ctx: ctx, trace: trace, tags: inherited, queueing: queueing)
            return begin(run, beginning, observer: observer, journaled: journaled)
        }
        begin(
            run, observer: observer, journaled: journaled, trace: trace, tags: inherited, queueing: queueing
        ) { arena in
            (
                arena.writing { $0.write(input) },
                metadata.map { value in arena.writing { $0.write(value) } } ?? .none,
                ctx.map { value in arena.writing { $0.write(value) } } ?? .none
            )
        }
    }
}

/// What a run that is taken from another one keeps of that one's trace.
private struct TraceOfSource {
    /// What it was told of its traces; nil for nothing.
    let telemetry: Value?
    /// Its caller, as W3C's header; null where it has left the trace of one, nil where there never was one.
    let caller: Value?

    init(_ source: RunRecord) {
        (telemetry, caller) = withExtendedLifetime(source) {
            let caller = source.trace.caller(in: source.log).map { Value($0) }
            return (
                source.log.copy(source.trace.given)?["telemetry"], caller ?? (source.trace.fork.isNone ? nil : .null)
            )
        }
    }

    /// What a run that begins anew is started with.
    ///
    /// - Parameter own: its own caller, as W3C's header; nil for none.
    func beginning(of source: RunRecord, in own: String?) -> Value {
        var entries: [(String, Value)] = telemetry.map { [("telemetry", $0)] } ?? []
        if let own { entries.append(("traceparent", Value(own))) }
        var place = [("run", Value(source.id))]
        if let caller { place.append(("traceparent", caller)) }
        entries.append(("source", Value(entries: place)))
        return Value(entries: entries)
    }
}

extension Run {
    /// Makes what a fork takes over this run's own beginning, and goes on from there.
    fileprivate func take(
        over fork: Fork, of source: RunRecord, input: Value?, reason: String, caller own: String?, at time: Int64
    ) {
        let arena = UnsafeRawBufferPointer(rebasing: source.log.arena.bytes[..<fork.arena])
        fork.events.withUnsafeBytes { log.append(events: $0, arena: arena) }
        for index in 0..<log.count {
            machine.apply(log[index], log: log)
            machine.commands.removeAll()
        }
        for command in machine.outstandingCommands() { machine.commands.append(command) }
        var entries: [(String, Value)] = [("reason", Value(reason)), ("run", Value(source.id))]
        if !fork.path.isEmpty { entries.append(("path", Value(fork.path))) }
        // What was taken over may be older than what the source itself was taken from.
        if let caller = TraceOfSource(source).caller { entries.append(("traceparent", caller)) }
        if let own { entries.append(("caller", Value(own))) }
        let cause = log.arena.writing { $0.write(Value(entries: entries)) }
        let given = input.map { input in log.arena.writing { $0.write(input) } } ?? .none
        decide(.forked(cause: cause, frame: fork.frame, input: given), at: time)
    }
}
