internal import FlatValue
internal import WorkflowCore

extension RunDirectory {
    /// Cancels a run and returns when it has stopped; one that has restarted is cancelled where it goes on.
    ///
    /// - Parameter key: what the sender calls the request: one that comes again gives the run that was cancelled.
    /// - Returns: the run that was cancelled.
    /// - Throws: ``RunFailure`` with the code `over` when it was over before, `other_request` when the run has taken another request
    ///   of that key.
    public func cancel(_ id: String, reason: String = "cancelled", key: String? = nil) async throws -> RunRecord {
        guard let key else { return try await cancel(id, reason) }
        return try await live.turns.inTurn(id, key) {
            if let stored = try await store.load(id) { _ = try RequestKey(key, of: "cancel").isRecorded(in: stored) }
            do {
                return try await cancel(id, reason)
            } catch let failure as RunFailure
                where failure.code == RunFailure.Code.over || failure.code == InboxAnswer.overCode
            {
                // Asked again, what was asked for is done.
                guard let newest = try await newest(of: id), newest.status == .cancelled else { throw failure }
                return try await record(of: newest.id)
            }
        }
    }

    private func cancel(_ id: String, _ reason: String) async throws -> RunRecord {
        let record = try await cancelNewest(of: id, reason)
        try await predecessorIsOver(record.id)
        return record
    }

    /// Waits until the run is over that ended in favour of a run: it is told of as under way for a moment longer.
    private func predecessorIsOver(_ id: String) async throws {
        let (base, number) = RunChain.split(id)
        if number == 1 { return }
        let deadline = ContinuousClock.now + Self.predecessorPatience
        while .now < deadline {
            guard let header = try await store.header(of: RunChain.id(base, number - 1)), header.owner != nil,
                !header.status.isTerminal
            else { return }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// How long a cancel waits at most for the run before the one that it has cancelled: a busy machine tells of it late.
    private static let predecessorPatience = Duration.seconds(30)

    private func cancelNewest(of id: String, _ reason: String) async throws -> RunRecord {
        let chain = RunChain.split(id).base
        var (current, follows) = (id, false)
        // By then it was not over: a run that has been cancelled since is what was asked for, whoever was told first.
        var wasUnderWay = false
        defer { if follows { engine.family.stops.remove(chain) } }
        while true {
            switch try await open(current) {
            case .missing: throw RunFailure.missing(current)
            case .over(let header):
                if wasUnderWay, header.status == .cancelled { return try await record(of: current) }
                guard let next = try await newest(after: current) else {
                    throw RunFailure.nothingToCancel(header.id, header.status.rawValue)
                }
                current = next
            case .live(let run):
                wasUnderWay = true
                run.cancel(reason: reason)
                let record: RunRecord
                do {
                    record = try await run.finished()
                } catch let failure as RunFailure where failure.isOfQueue {
                    try await Task.sleep(for: .milliseconds(1))
                    continue
                }
                guard let next = try successor(of: record) else { return record }
                current = next
            case .stored(let header):
                wasUnderWay = true
                if let record = try await cancelStored(header, reason) { return record }
                continue
            case .foreign(let run, _):
                wasUnderWay = true
                guard let record = try await cancel(run, reason, asChain: follows) else { continue }
                guard let next = try successor(of: record) else { return record }
                current = next
            }
            // Runs of a chain may be over before they are found, so those that this engine begins are told before they begin.
            follows = true
            engine.family.stops.add(chain, reason: reason)
        }
    }

    /// The run that goes on in place of one that is over; nil for a run that has been cancelled.
    ///
    /// - Throws: ``RunFailure`` with the code `over` when it has ended in another way.
    private func successor(of record: RunRecord) throws(RunFailure) -> String? {
        if record.status == .cancelled { return nil }
        if let next = record.restartedAs { return next }
        throw RunFailure.nothingToCancel(record.id, record.statusName)
    }

    /// Has the process that drives a run cancel it, unless somebody else has at that moment.
    ///
    /// - Parameter isChain: whether it may be over before it is told, in favour of a run that is meant as well.
    /// - Returns: the run once it is over; nil where it is to be looked for again.
    private func cancel(_ run: ForeignRun, _ reason: String, asChain isChain: Bool) async throws -> RunRecord? {
        do {
            let delivery = isChain ? try await run.cancelChain(reason: reason) : try await run.cancel(reason: reason)
            if case .ownerGone = delivery { return nil }
        } catch let failure as RunFailure
            where failure.code == InboxAnswer.overCode || failure.code == RunFailure.Code.over
        {
            // It may have ended in favour of another one.
            if try await newest(after: run.id) != nil { return try await record(of: run.id) }
            guard let header = try await store.header(of: run.id), header.status.isTerminal else { throw failure }
            if header.status == .cancelled { return try await record(of: run.id) }
            throw RunFailure.nothingToCancel(header.id, header.status.rawValue)
        }
        while let record = try await run.settled() {
            if record.status.isTerminal { return record }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }

    /// Cancels a run that nobody drives; nil where somebody has taken it up meanwhile.
    private func cancelStored(_ header: RunHeader, _ reason: String) async throws -> RunRecord? {
        guard case .claimed(let claimed) = try await store.claim(header.id) else { return nil }
        let sequence = claimed.stored.header.sequence
        let (plan, isOver) = try await store.holding(claimed) {
            let plan = try await self.plan(of: claimed.stored.header)
            let run = try ParkedRun(claimed.journaled, claimed.stored, plan: plan)
            try run.cancel(reason: reason, at: engine.clock.now())
            try await run.write(to: store)
            if !run.isOver {
                engine.family.followers.noteTakingUp(claimed.journaled, after: sequence)
                try await store.release([claimed.journaled])
            }
            return (plan, run.isOver)
        }
        if isOver {
            events.publishLost(header.id, plan: plan, after: sequence)
            engine.family.followers.noteWritten(claimed.journaled, plan, after: sequence)
            return try await record(of: header.id)
        }
        // Its steps are undone here, unless somebody else has taken it up meanwhile.
        defer { engine.family.followers.noteTakenElsewhere(header.id, plan) }
        let record = try await undone(header)
        return record.status == .cancelled ? record : nil
    }

    /// A run that has been cancelled and that nobody drives, once it is over.
    private func undone(_ header: RunHeader) async throws -> RunRecord {
        while true {
            switch try await open(header.id) {
            case .live(let run): return try await run.finished()
            case .stored: if let run = try await takeUp(header) { return try await run.finished() }
            case .foreign(let run, _):
                if let record = try await run.settled(), record.status.isTerminal { return record }
                try await Task.sleep(for: .milliseconds(20))
            case .over, .missing: return try await record(of: header.id)
            }
        }
    }
}

extension RunFailure {
    fileprivate static func nothingToCancel(_ run: String, _ status: String) -> RunFailure {
        RunFailure(code: RunFailure.Code.over, message: "run \(run) is over (\(status)); there is nothing to cancel")
    }
}
