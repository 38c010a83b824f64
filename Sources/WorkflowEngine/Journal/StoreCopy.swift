internal import FlatValue
internal import WorkflowCore

/// Copies a store into another one, of whatever kind: runs with their ids, journals, code and messages, schedules,
/// tokens.
///
/// Runs that wait in the queue wait in that of the other store, in the same order, and those that were let begin hold their places
/// there; what has begun within the period of a rate is not counted again. A run that is there already with the same events is left
/// as it is, so that a copy that broke off can be made again. The store that is copied stays as it is; whoever drives its runs has to have ended before.
package struct StoreCopy {
    private let source: any LastingStore
    private let target: any LastingStore

    package init(from source: any LastingStore, to target: any LastingStore) {
        self.source = source
        self.target = target
    }

    package struct Report: Sendable, Equatable {
        package var runs = 0
        package var events = 0
        /// Runs that were there already.
        package var known = 0
        package var messages = 0
        package var schedules = 0
        package var tokens = 0

        package init() {}
    }

    /// Copies everything.
    ///
    /// - Parameter progress: hears after some runs how far it has come, with the number of all runs.
    /// - Throws: ``JournalError`` with the code `run_active` where somebody drives a run, `conflict` where the other
    ///   store has another run of that id, or what a store threw. What was copied before stays.
    package func run(progress: (Report, _ all: Int) -> Void = { _, _ in }) async throws(JournalError) -> Report {
        var report = Report()
        let headers = try await inOrder(try await source.list(RunFilter()).reversed())
        var saved: Set<String> = []
        for (number, header) in headers.enumerated() {
            if let owner = header.owner {
                throw JournalError(
                    code: .runActive,
                    message: "run \(header.id) is driven by \(owner.name); end that process before its store is copied")
            }
            if !header.generation.isEmpty, saved.insert(header.generation).inserted,
                let generation = try await source.generation(header.generation)
            {
                try await target.save(generation)
            }
            try await copy(header, &report)
            if number % 100 == 99 { progress(report, headers.count) }
        }
        for mark in try await source.scheduleMarks() {
            try await target.advance(
                mark.workflow, mark.schedule, to: mark.time, run: mark.run, timing: mark.timing)
            if mark.isPaused { _ = try await target.pause(mark.workflow, mark.schedule, true) }
            report.schedules += 1
        }
        for token in try await source.tokens() where try await target.token(token.id) == nil {
            try await target.add(token)
            report.tokens += 1
        }
        return report
    }

    /// The runs as they are copied: those that wait in the queue last, so that whoever holds a place has it before.
    private func inOrder(_ headers: [RunHeader]) async throws(JournalError) -> [RunHeader] {
        var waiting: Set<String> = []
        let open = headers.filter { !$0.status.isTerminal }.map(\.id)
        for start in stride(from: 0, to: open.count, by: 500) {
            waiting.formUnion(try await source.places(of: Array(open[start..<min(start + 500, open.count)])).keys)
        }
        return headers.filter { !waiting.contains($0.id) } + headers.filter { waiting.contains($0.id) }
    }

    private func copy(_ header: RunHeader, _ report: inout Report) async throws(JournalError) {
        if let known = try await target.header(of: header.id) {
            guard known.sequence == header.sequence, known.workflow == header.workflow, known.status == header.status
            else {
                throw JournalError(
                    code: .conflict,
                    message: "the store \(target.name) has another run '\(header.id)'; nothing is replaced")
            }
            report.known += 1
            return
        }
        if header.status.isTerminal {
            guard let stored = try await source.load(header.id) else { return }
            _ = try await write(stored)
            report.events += stored.header.sequence
        } else {
            let waits = try await source.places(of: [header.id])[header.id] != nil
            // Owned while it is copied, so that nobody goes on with it, and with what lies in its inbox.
            guard case .claimed(let claimed) = try await source.claim(header.id) else {
                throw JournalError(
                    code: .runActive, message: "run \(header.id) was taken up while its store was copied; try again")
            }
            let stored = claimed.stored
            do throws(JournalError) {
                let ticket = stored.payloads(of: [.queued]).last.map { QueueTicket(recorded: $0) }
                let copied = try await write(stored, ticket, waits: waits)
                // The other store tells a run by itself that it may begin.
                let told = claimed.messages.filter { $0.content.kind != .begin || ticket == nil }
                for message in told where try await target.post(message.content, to: header.id) != nil {
                    report.messages += 1
                }
                if !waits || ticket == nil { try await target.release([copied]) }
            } catch {
                try? await source.release([claimed.journaled])
                throw error
            }
            try await source.release([claimed.journaled])
            report.events += stored.header.sequence
        }
        report.runs += 1
    }

    /// Writes a whole run: its first event by itself, since a run's age is that of its first entry.
    ///
    /// - Parameters:
    ///   - ticket: what it waits or waited by in the queue; nil for a run that never did.
    ///   - waits: whether it has still to begin.
    private func write(
        _ stored: StoredRun, _ ticket: QueueTicket? = nil, waits: Bool = false
    ) async throws(JournalError) -> JournaledRun {
        let header = stored.header
        // The copy has a chain of its own, which must not hide that this one is broken.
        if let broken = stored.chain.broken {
            throw JournalError(
                code: .storeCorrupt,
                message:
                    "run \(header.id) in the store \(source.name) has been changed: its entry \(broken.entry) does not "
                    + "fit those before it",
                remedy: .verification)
        }
        let run = JournaledRun(
            id: header.id, workflow: header.workflow, generation: header.generation, lineage: header.lineage,
            origin: header.origin)
        let batch = JournalBatch()
        let stride = MemoryLayout<Event>.stride
        stored.events.withUnsafeBytes { batch.bytes.append($0) }
        stored.arena.withUnsafeBytes { batch.bytes.append($0) }
        let arena = stored.events.count
        let payloadEnd =
            stored.events.count < stride
            ? 0
            : stored.events.withUnsafeBytes { events in
                let slice = events.loadUnaligned(as: Event.self).payload
                return min(Int(slice.offset) + Int(slice.length), stored.arena.count)
            }
        if var ticket {
            if waits {
                // The store that it comes from has let it wait.
                if ticket.onConflict == .skip { ticket.onConflict = .queue }
                ticket.isLeft = true
            }
            run.ticket = waits ? ticket : ticket.held
        }
        let leaves = waits && ticket != nil
        // What is left to the queue is written at once.
        let isSingle = stored.events.count <= stride || leaves
        let split = isSingle ? stored.arena.count : payloadEnd
        batch.append(
            run, sequence: 0, events: 0..<(isSingle ? arena : min(stride, arena)), arena: arena..<arena + split,
            status: isSingle ? header.status : .running, wakeAt: isSingle ? header.wakeAt : 0,
            time: isSingle && !leaves ? header.updatedAt : header.createdAt,
            tags: isSingle && !header.tags.isEmpty ? header.tags : nil)
        if !isSingle {
            batch.append(
                run, sequence: 1, events: stride..<arena, arena: arena + split..<batch.bytes.count,
                status: header.status, wakeAt: header.wakeAt, time: header.updatedAt,
                tags: header.tags.isEmpty ? nil : header.tags)
        }
        let outcomes = await withCheckedContinuation { continuation in
            target.submit(batch) { _, outcomes in continuation.resume(returning: outcomes) }
        }
        for outcome in outcomes {
            switch outcome {
            case .durable: continue
            case .failed(let error): throw error
            case .conflict:
                throw JournalError(
                    code: .conflict,
                    message: "the store \(target.name) has another run '\(header.id)'; nothing is replaced")
            }
        }
        if run.ticket != nil, !waits { try await hold(run) }
        return run
    }

    /// Gives a run in the other store the places that it holds where it comes from.
    private func hold(_ run: JournaledRun) async throws(JournalError) {
        let pass = try await target.admit(.runs([run.id]), limit: 1)
        guard pass.told == 1 || pass.claims.contains(where: { $0.run == run.id }) else {
            throw JournalError(
                code: .conflict,
                message: "run \(run.id) has begun, and the store \(target.name) has other runs in its places")
        }
    }
}
