internal import ArgumentParser
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

struct RunsEventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Print a run's events, one JSON object a line, as run --events does.",
        discussion: """
            With --redact what schemas call secret is [secret]. With --follow the events of a run that another process drives are
            printed as they come, until the run is over; a run that restarts is followed where it goes on.

            EXAMPLES
              aikit-lua runs events order-7
              aikit-lua runs events order-7 --follow | jq -r '[.type, .path] | @tsv'
            """)

    @OptionGroup var target: RunChoice
    @OptionGroup var store: StoreChoice

    @Flag(help: "Wait for more until the run is over.")
    var follow = false

    @Flag(help: "Print them without what schemas call secret.")
    var redact = false

    func run() throws {
        let (id, follow, redacts) = (target.run, follow, redact)
        try store.withRuns(looking: true) { runs in
            var shown: RunHeader? = try await runs.find(id)
            while let header = shown {
                let engine = WorkflowEngine(workers: 1)
                let plan = try await runs.workflow(of: header, on: engine).plan
                engine.shutdown()
                let next = try await Self.tell(header.id, plan, of: runs, follow: follow, redacts: redacts)
                guard let next else { return }
                shown = try await runs.journal.header(of: next)
            }
        }
    }

    private static let interval = Duration.milliseconds(25)
    /// From how many bytes on what there is to print is printed.
    private static let pieceSize = 64 << 10

    /// Reads what the store has of a run beyond what was read before; nil where the run is gone.
    private static func take(
        _ id: String, into journal: inout JournalDecoder, of runs: StoredRuns
    ) async throws -> RunHeader? {
        guard let stored = try await runs.journal.load(id, after: journal.log.count) else { return nil }
        try journal.take(stored)
        return stored.header
    }

    /// Prints the events of a run.
    ///
    /// - Returns: the run to follow from here; nil for none.
    private static func tell(
        _ id: String, _ plan: Plan, of runs: StoredRuns, follow: Bool, redacts: Bool
    ) async throws -> String? {
        var secrets = RunSecrets()
        var renderer = EventRenderer(plan: plan, runID: id)
        var journal = JournalDecoder(plan: plan)
        while TextStream.output.isOpen {
            // Asked before the run is read, so that nothing that is written meanwhile is missed.
            let seen = try await runs.journal.changeCount()
            let first = journal.log.count
            guard let header = try await take(id, into: &journal, of: runs) else {
                throw UsageError("run \(id) has been removed from \(runs.path)")
            }
            if redacts { secrets.read(journal.log, of: plan) }
            let redaction = secrets.redaction
            var text = ""
            for index in first..<max(first, journal.log.count) {
                guard let event = renderer.render(journal.log[index], log: journal.log) else { continue }
                text += redaction.redact(contentsOf: event.value).json + "\n"
                if text.utf8.count < pieceSize { continue }
                TextStream.output.write(text)
                if !TextStream.output.isOpen { return nil }
                text = ""
            }
            TextStream.output.write(text)
            if !follow { return nil }
            if header.status.isTerminal { return journal.machine.successor(in: journal.log) }
            while try await runs.journal.changeCount() == seen { try await Task.sleep(for: interval) }
        }
        return nil
    }
}
