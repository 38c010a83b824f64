internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// What is wrong in a store, and how much was looked at.
struct StoreFindings: Sendable {
    var runs: Int
    var problems: [StoreProblem]

    var isSound: Bool { problems.isEmpty }

    /// The findings as programs read them.
    var value: Value {
        [
            "runs": Value(Int64(runs)),
            "damaged": Value(
                array: problems.map { problem in
                    var entries: [(String, Value)] = []
                    if let run = problem.run { entries.append(("runId", Value(run))) }
                    if let entry = problem.entry { entries.append(("entry", Value(entry))) }
                    if let event = problem.event { entries.append(("event", Value(Int64(event)))) }
                    entries.append(("reason", Value(problem.reason)))
                    return Value(entries: entries)
                }),
        ]
    }
}

extension StoreProblem {
    /// The problem for people, in a line.
    var text: String {
        let place = [entry.map { "entry \($0)" }, event.map { "event \($0)" }].compactMap(\.self)
        let what = (place + [reason]).joined(separator: ", ")
        return run.map { "run \($0): " + what } ?? "the store: " + what
    }
}

extension StoredRuns {
    /// Reads everything: rows, entries, values, code, and whether the events of each run fit the code that it is
    /// pinned to.
    func check() async throws -> StoreFindings { try await withScripts { try await check($0).findings } }

    private func withScripts<Result>(_ body: (StoredScripts) async throws -> Result) async throws -> Result {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        return try await body(StoredScripts(journal, on: engine, options: Self.quietOptions))
    }

    /// - Returns: what was found, and the runs among it that cannot be read, whatever their code is.
    private func check(_ scripts: StoredScripts) async throws -> (findings: StoreFindings, damaged: Set<String>) {
        var problems = try await journal.check()
        let damaged = Set(problems.compactMap(\.run))
        let headers = problems.isEmpty ? try await journal.list(RunFilter()) : await readable()
        for header in headers.reversed() where !damaged.contains(header.id) {
            if let problem = try await problem(of: header.id, scripts) { problems.append(problem) }
        }
        let unreadable = damaged.subtracting(headers.map(\.id)).count
        return (StoreFindings(runs: headers.count + unreadable, problems: problems), damaged)
    }

    /// The runs that can be listed in a store of which something is known to be damaged.
    private func readable() async -> [RunHeader] { (try? await journal.list(RunFilter())) ?? [] }

    /// How often a run is looked at that others change meanwhile, as by an upgrade to other code.
    private static let looks = 5

    /// Why the events of a run do not fit its code or its row; nil if they do, if the run is one of a workflow in Swift, or if it has
    /// been removed meanwhile.
    ///
    /// - Throws: what says nothing of the run.
    private func problem(of id: String, _ scripts: StoredScripts) async throws -> StoreProblem? {
        var found: StoreProblem?
        for _ in 0..<Self.looks {
            let before = try? await journal.header(of: id)
            found = try await fault(of: id, scripts)
            if found == nil { return nil }
            // What was read in several pieces counts where they are of one time.
            let after = try? await journal.header(of: id)
            if before != nil, after == nil, await isGone(id) { return nil }
            if before?.generation == after?.generation, before?.sequence == after?.sequence { return found }
        }
        return found
    }

    private func isGone(_ id: String) async -> Bool {
        do { return try await journal.header(of: id) == nil } catch { return false }
    }

    private func fault(of id: String, _ scripts: StoredScripts) async throws -> StoreProblem? {
        do {
            guard let stored = try await journal.load(id), !stored.header.generation.isEmpty else { return nil }
            let plan = try await scripts.workflow(of: stored.header).plan
            try stored.header.expect(plan)
            return stored.problem(on: plan)
        } catch  where Self.isPassing(error) {
            throw error
        } catch {
            return StoreProblem(run: id, reason: problems(of: error).first?.message ?? "\(error)")
        }
    }

    /// Whether an error comes of what the process or the system lacks now, or of what others do: no run is damaged for that.
    private static func isPassing(_ error: any Error) -> Bool {
        switch error {
        case let error as JournalError:
            [
                .storeMissing, .storeUnavailable, .storeDenied, .storeReadOnly, .storeFull, .storeIO, .storeLocked,
                .storeBusy,
                .storeInUse, .storeDeleted, .storeOverwritten, .storeClosed, .notEnoughMemory,
            ].contains(error.reason)
        case let error as ScriptError: error.isPassing || error.code == "out_of_memory"
        default: error is CancellationError
        }
    }

    /// Removes the runs that ``check()`` names and that are found to be so again right before.
    func removeDamaged(dryRun: Bool, vacuum: Bool) async throws -> PruneReport {
        try await withScripts { try await removeDamaged($0, dryRun: dryRun, vacuum: vacuum) }
    }

    private func removeDamaged(_ scripts: StoredScripts, dryRun: Bool, vacuum: Bool) async throws -> PruneReport {
        let (findings, unreadable) = try await check(scripts)
        // Nothing else is over for longer than everything.
        var report = try await journal.prune(PruneFilter(endedBefore: .min, dryRun: dryRun))
        // Since then it may have been mended, or upgraded to code that it fits.
        let stillUnreadable = unreadable.isEmpty ? [] : Set(try await journal.check().compactMap(\.run))
        for run in Set(findings.problems.compactMap(\.run)).sorted() {
            let isDamaged =
                unreadable.contains(run) ? stillUnreadable.contains(run) : try await problem(of: run, scripts) != nil
            guard isDamaged else { continue }
            if dryRun {
                report.runs += 1
            } else if try await journal.delete(run) {
                report.runs += 1
            }
        }
        if !dryRun { report.freed += try await journal.prune(PruneFilter(endedBefore: .min, vacuum: vacuum)).freed }
        return report
    }
}

extension StoredRun {
    /// Why the events are no journal of a run of a plan, or not the one that the header tells of; nil if they are.
    fileprivate func problem(on plan: Plan) -> StoreProblem? {
        var decoder = JournalDecoder(plan: plan)
        do {
            try events.withUnsafeBytes { events in
                try arena.withUnsafeBytes { try decoder.take(events: events, arena: $0) }
            }
        } catch let damage as JournalDamage {
            return StoreProblem(
                run: header.id, event: damage.sequence == 0 ? nil : damage.sequence, reason: damage.reason)
        } catch {
            return StoreProblem(run: header.id, reason: "\(error)")
        }
        let (row, events) = (header.status.rawValue, decoder.machine.status.rawValue)
        if row == events { return nil }
        return StoreProblem(run: header.id, reason: "its row says that it is \(row), its events that it is \(events)")
    }
}
