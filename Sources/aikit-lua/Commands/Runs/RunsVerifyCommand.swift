internal import ArgumentParser
internal import FlatValue
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine

struct RunsVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that nobody has changed the journals of runs since they were written.",
        discussion: """
            The journal of a run is a chain: each entry has a SHA-256 over its bytes and the one before it. The first entry
            that does not fit is named. Nothing is changed, and no script is loaded. Entries of older versions have no link:
            a run is named that is not chained before one of its entries. For one run its newest link is shown: whoever can
            write the whole store can make another chain, which does not end in a link that was kept elsewhere.

            With --json the report is { runs, entries, broken: [{ runId, entry?, event?, reason }], unchained: [{ runId,
            before? }], link? }. Exit status: 0, 1 if anything does not fit.

            EXAMPLES
              aikit-lua runs verify
              aikit-lua runs verify order-7 --json | jq -r .link
            """)

    @Argument(
        help: ArgumentHelp("The run's id, or the beginning of it; all runs unless given.", valueName: "run"),
        completion: .custom { _, _, prefix in StoredRuns.ids(from: prefix) })
    var id: String?

    @OptionGroup var store: StoreChoice

    @Flag(help: "Print the report as JSON.")
    var json = false

    func run() throws {
        let findings = try store.withRuns(looking: true) { [id] runs in try await runs.verify(id) }
        if json { TextStream.output.writeLine(findings.value.prettyJSON) } else { tell(findings) }
        if !findings.isSound { throw ExitStatus.failed.code }
    }

    private func tell(_ findings: ChainFindings) {
        let (errors, style) = (TextStream.errors, Style(.errors))
        for broken in findings.broken { errors.writeLine(style("✗", .red) + " " + broken.text) }
        for (run, before) in findings.unchained {
            errors.writeLine(
                style("–", .dim) + " run \(run): not chained" + (before.map { " before entry \($0)" } ?? ""))
        }
        let all = "\(counted(findings.runs, "run")), \(counted(findings.entries, "entry", "entries"))"
        if findings.isSound {
            errors.writeLine(style("✓", .green) + " \(all), nothing changed")
        } else {
            errors.writeLine("\(findings.broken.count) of \(counted(findings.runs, "run")) changed")
        }
        if let link = findings.link, findings.isSound { errors.writeLine("  ends in \(link)") }
    }
}
