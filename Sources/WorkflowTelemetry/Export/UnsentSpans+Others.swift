internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Takes spans of runs that nobody drives any more.
protocol UnsentSink: Sendable {
    /// A run that is to be gone through. What its journal has so far is sent by whoever calls this, or was.
    func found(_ record: RunRecord)
    func isWanted(_ trace: TraceID, caller: TraceParent?) -> Bool
    /// Waits for room as long as an endpoint takes something. A delivery that has failed when it returns means that it does not.
    func send(_ spans: [Span], to endpoint: Int) async -> Delivery
}

extension UnsentSpans {
    /// How many runs are asked for at once.
    private static let page = 500
    /// How many spans are sent together.
    private static let portion = 256

    /// Takes over what processes that are gone have not sent, and sends it, together with what this one could not send before.
    ///
    /// It counts as sent once it is; until then this process's mark has it. What failed is sent at the next call.
    ///
    /// - Parameter plan: gives the plan of a run; one whose code is not known is left out.
    func sendThoseOfOthers(_ plan: (RunHeader) async throws -> Plan, to sink: some UnsentSink) async {
        await takeOver()
        let now = clock.now()
        let due = state.withLock { state in
            _ = state.ledger.settle()
            state.ledger.forget { UnsentMarks.isForgotten($0, at: now) }
            return state.ledger.due
        }
        for due in due where !Task.isCancelled {
            // A store that cannot be read now is looked at again.
            try? await send(due, plan, to: sink)
        }
    }

    /// Has the own mark say what those of processes say that are gone, in their place; what is owed to other endpoints than the own
    /// ones stays as it stands.
    private func takeOver() async {
        let now = clock.now()
        // Processes in containers may have the same number and host, so it is asked but once whether one runs.
        let asks = state.withLock { state in
            defer { state.hasLooked = true }
            return !state.hasLooked
        }
        guard let marks = try? await read() else { return }
        let endpoints = state.withLock(\.endpoints)
        let gone = marks.gone(besides: own, at: now) { asks ? $0.isAlive(seenFrom: own) : nil }.filter {
            marks.debts(of: [$0], at: now).contains { $0.owed(to: endpoints) != nil }
        }
        if gone.isEmpty { return }
        await update { marks in
            let debts = marks.debts(of: gone, at: clock.now())
            let mark = state.withLock { state -> UnsentMarks.Mark?? in
                if state.isOver { return nil }
                state.ledger.add(debts)
                state.toldAt = clock.now()
                return .some(state.mark)
            }
            guard let mark else { return }
            for process in gone { marks.settle(process, with: endpoints, at: clock.now()) }
            marks.set(own, mark)
        }
    }

    private func send(
        _ due: UnsentLedger.Due, _ plan: (RunHeader) async throws -> Plan, to sink: some UnsentSink
    ) async throws {
        var filter = RunFilter(
            created: 0...due.times.upperBound, updated: due.since...Int64.max, limit: Self.page)
        var runs = due.from.runs
        // A run that was removed says nothing of what lies behind it.
        if let place = due.from.place, let header = try await store.header(of: place.run) {
            guard try await send(header, behind: place.entries, number: runs, of: due, plan, to: sink) else { return }
            filter.before = place.run
        }
        while !Task.isCancelled {
            let page = try await store.list(filter)
            for header in page {
                runs += 1
                guard !Task.isCancelled, try await send(header, behind: 0, number: runs, of: due, plan, to: sink)
                else { return }
            }
            guard page.count == Self.page, let last = page.last else { break }
            filter.before = last.id
        }
        if !Task.isCancelled { note(Delivery(), of: due, reaching: .end) }
    }

    /// Sends what is due of one run; whether the endpoint takes more.
    ///
    /// - Parameters:
    ///   - entries: up to which entry it has been sent.
    ///   - number: of the run among those that are gone through.
    private func send(
        _ header: RunHeader, behind entries: Int, number: Int, of due: UnsentLedger.Due,
        _ plan: (RunHeader) async throws -> Plan, to sink: some UnsentSink
    ) async throws -> Bool {
        guard let plan = try? await plan(header), let stored = try await load(header.id),
            let record = try? RunRecord(stored, plan: plan)
        else { return true }
        sink.found(record)
        let (spans, caller) = SpanBuilder.spans(of: record, writtenIn: due.times)
        guard let trace = spans.first?.trace, sink.isWanted(trace, caller: caller) else { return true }
        var rest = spans.filter { $0.entry > entries }[...]
        while let last = rest.prefix(Self.portion).last {
            let delivery = await sink.send(Array(rest.prefix(Self.portion)), to: due.endpoint)
            rest = rest.dropFirst(Self.portion)
            // An entry may end spans of two portions.
            let whole = rest.first.map { min(last.entry, $0.entry - 1) } ?? last.entry
            let position = UnsentLedger.Position(
                place: UnsentDebt.Place(run: header.id, entries: whole), runs: number)
            note(delivery, of: due, reaching: .position(position))
            if delivery.isFailed { return false }
        }
        return true
    }

    /// A run as the store has it; nil for one that is gone or damaged, which keeps nobody from sending the others.
    private func load(_ run: String) async throws -> StoredRun? {
        do {
            return try await store.load(run)
        } catch {
            guard error.reason == .storeCorrupt else { throw error }
            return nil
        }
    }

    private func note(_ delivery: Delivery, of due: UnsentLedger.Due, reaching goal: UnsentLedger.Goal) {
        state.withLock { $0.ledger.note(delivery, of: due, reaching: goal) }
    }
}
