internal import Platform
internal import WorkflowCore

/// What comes of reading a run's log on.
enum LogPage {
    /// The events of a page, of which there may be none that anybody sees.
    case events([RunEvent])
    /// There is nothing behind what has been read; the header of a run that is not over.
    case end(RunHeader?)
    /// The run was moved to other code, whose nodes what follows has.
    case moved
    case missing
}

extension RunCursor {
    /// Reads the next page of what the store has of the run, in its turn.
    func read(_ hub: EventHub) async throws(JournalError) -> LogPage {
        if count == 0, let header = try await hub.store.header(of: run) {
            hub.logs.expect(run, created: header.createdAt)
        }
        var log = hub.logs.find(run, plan, after: count)
        // Twice where a value lies before what has been read.
        for wholly in [false, true] {
            if log == nil {
                if isOver { return .end(nil) }
                switch try await hub.logs.read(run, plan, after: count, wholly: wholly) {
                case .log(let read): log = read
                case .nothing(let header): return .end(header)
                case .moved: return .moved
                case .missing: return .missing
                }
            }
            if let known = log, let events = await render(known, hub.turns) { return .events(events) }
            log = nil
        }
        throw JournalError(code: .storeCorrupt, message: "the journal of run \(run) has a gap")
    }

    private func render(_ log: SharedLog, _ turns: TurnLimit) async -> [RunEvent]? {
        await turns.enter()
        defer { turns.leave() }
        return page(of: log).flatMap { take($0, redaction: log.isWhole ? log.redaction : nil) }
    }
}
