public import FlatValue
public import WorkflowCore

/// Runs that are made of others, or moved to other code.
extension RunDirectory {
    /// Starts a run that takes over what another one had done up to a point, and returns as soon as the store has it.
    ///
    /// - Parameters:
    ///   - point: where the new run leaves the other one; at ``ForkPoint/failure`` it tries again what failed.
    ///   - input: what the step there gets in place of what was recorded.
    ///   - newID: the new run's id; nil makes one.
    ///   - newest: goes on with the workflow as new runs have it, instead of the code of the other run.
    ///   - reason: why, in a word.
    ///   - traceparent: the span of the caller, as W3C's header, in whose trace the new run lies; nil for a trace of its own.
    ///
    /// The new run may do what the other one may.
    ///
    /// - Throws: ``RunFailure`` when nothing can be taken over up to there; with the code `id_taken` when there is a run of that id,
    ///   with `invalid_telemetry` for a header that is none, `permission_denied` when the other run may do more than the engine's
    ///   gateway gives.
    public func fork(
        _ id: String, at point: ForkPoint, input: Value? = nil, as newID: String? = nil, newest: Bool = false,
        reason: String = "forked", traceparent: String? = nil
    ) async throws -> WorkflowRun {
        try await fork(
            id, at: point, input: input, named: newID.map(NewRunID.chosen), newest: newest, reason: reason,
            traceparent: traceparent)
    }

    package func fork(
        _ id: String, at point: ForkPoint, input: Value?, named newID: NewRunID?, newest: Bool, reason: String,
        traceparent: String?
    ) async throws -> WorkflowRun {
        _ = try RunTelemetry(nil, traceparent: traceparent)
        let taken = RunFailure(
            code: RunFailure.Code.idTaken, message: "the id '\(newID?.text ?? "")' is taken by a run")
        if let newID {
            if try await store.header(of: newID.text) != nil { throw taken }
            try newID.check()
        }
        let source = try await record(of: id)
        let header = try await header(of: id)
        let definition = newest ? await catalog.workflow(header.workflow) : try await workflow(of: header)
        guard let definition else {
            throw RunFailure(
                code: RunFailure.Code.unknownWorkflow, message: "there is no workflow '\(header.workflow)'")
        }
        // It may do what the other run may, and no process makes a run that may do more than those of its own.
        let grant = header.origin.grant
        if let excess = engine.host.excess(of: grant) { throw RunFailure.exceeding(id, excess) }
        do {
            let run = try await engine.fork(
                source, of: definition, at: point, input: input, id: newID?.text, reason: reason, grant: grant,
                caller: traceparent
            ).run
            let recorded = RecordedFeed()
            run.follow(recorded)
            _ = try await run.begun(told: recorded)
            return run
        } catch let failure as RunFailure where failure.code == RunFailure.Code.conflict && newID != nil {
            // Another call was first.
            throw taken
        } catch let error as ForkError {
            throw RunFailure(code: error.code.rawValue, message: error.message)
        }
    }

    /// Moves a run that waits to the workflow as new runs have it, if all that it recorded fits.
    ///
    /// - Parameter dryRun: says what fits, and moves nothing.
    public func upgrade(_ id: String, dryRun: Bool = false) async throws -> Upgrade {
        let header = try await header(of: id)
        if header.status.isTerminal { throw RunFailure.over(header) }
        guard let newest = await catalog.workflow(header.workflow) else {
            throw RunFailure(
                code: RunFailure.Code.unknownWorkflow, message: "there is no workflow '\(header.workflow)'")
        }
        if dryRun {
            let old = try await plan(of: header)
            let record = try await record(of: id)
            return withExtendedLifetime(record) { Upgrade(record.log, from: old, to: newest.plan) }
        }
        if let run = live.find(id) { try await run.release(within: .seconds(5)) }
        let claimed: ClaimedRun
        switch try await store.claim(id) {
        case .missing: throw RunFailure.missing(id)
        case .over(let header): throw RunFailure.over(header)
        case .owned(let header):
            throw RunFailure(
                code: RunFailure.Code.runActive,
                message: "run \(id) is \(header.status == .running ? "running in" : "driven by") process "
                    + "\(header.owner?.name ?? "unknown"), which alone can move it: ask that one, or stop it first")
        case .claimed(let run): claimed = run
        }
        let upgrade = try await store.holding(claimed) {
            let old = try await plan(of: claimed.stored.header)
            return try await store.upgrade(
                claimed.journaled, claimed.stored, from: old, to: newest, at: engine.clock.now())
        }
        try await store.release([claimed.journaled])
        _ = try await takeUp(try await self.header(of: id))
        return upgrade
    }
}
