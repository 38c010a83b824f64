internal import ArgumentParser
internal import FlatValue
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine

struct RunsCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read everything in a store, and name each run that is damaged.",
        discussion: """
            Reads the row of every run, its entries and their checksums, its values and its code, and whether its events fit
            that code. Nothing is changed. A damaged run affects no other one; the first entry or event that does not fit is
            named. With --json the report is { runs, damaged: [{ runId?, entry?, event?, reason }] }, without runId for what
            concerns the store as a whole. Exit status: 0, 1 if anything is damaged.

            EXAMPLES
              aikit-lua runs check
              aikit-lua runs check --store copy.db --json | jq -r '.damaged[].runId'
            """)

    @OptionGroup var store: StoreChoice

    @Flag(help: "Print the report as JSON.")
    var json = false

    func run() throws {
        let (findings, path) = try store.withRuns(looking: true) { runs in (try await runs.check(), runs.path) }
        if json { TextStream.output.writeLine(findings.value.prettyJSON) } else { tell(findings, path) }
        if !findings.isSound { throw ExitStatus.failed.code }
    }

    private func tell(_ findings: StoreFindings, _ path: String) {
        let (errors, style) = (TextStream.errors, Style(.errors))
        for problem in findings.problems { errors.writeLine(style("✗", .red) + " " + problem.text) }
        let damaged = Set(findings.problems.compactMap(\.run)).count
        if findings.isSound {
            errors.writeLine(style("✓", .green) + " \(counted(findings.runs, "run")), nothing damaged")
            return
        }
        errors.writeLine("\(damaged) of \(counted(findings.runs, "run")) damaged; the others can be used as before")
        let place = StoreLocation.at(path).arguments
        if damaged > 0 {
            errors.writeLine(
                "  Take the store from a copy, or remove what is damaged: aikit-lua runs prune --damaged\(place)")
        }
        if findings.problems.contains(where: { $0.run == nil }) {
            errors.writeLine(
                "  To save what can be read of the file: sqlite3 \(shellQuoted(path)) .recover | sqlite3 saved.db")
        }
    }
}
