internal import ArgumentParser
internal import CHostSystem
internal import FlatValue
internal import JSONSchema
internal import Platform
internal import SQLiteJournal
internal import WorkflowCore
internal import WorkflowEngine

struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Copy a store, save it, count what is in it, check it.",
        discussion: """
            A store is a file, or the address of a PostgreSQL database.

            EXAMPLES
              aikit-lua store migrate .aikit/runs.db postgres://app@db.example/runs
              aikit-lua store backup saved.db --store postgres://app@db.example/runs
              aikit-lua store stats
            """,
        subcommands: [
            StoreMigrateCommand.self, StoreBackupCommand.self, StoreStatsCommand.self, RunsCheckCommand.self,
        ])
}

struct StoreMigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Copy all runs of a store into another one, with their ids, journals, code and messages.",
        discussion: """
            Schedules and tokens come along, and runs of the queue with their places. The first store stays as it is; end what
            uses it before. A copy that broke off is made again: runs that are there already are left as they are.

            EXAMPLES
              aikit-lua store migrate .aikit/runs.db postgres://app@db.example/runs
              aikit-lua store migrate postgres://app@db.example/runs runs.db
            """)

    @Argument(help: ArgumentHelp("The store that is copied: a file, or the address of a database.", valueName: "from"))
    var source: String

    @Argument(help: ArgumentHelp("Where it is copied to; a store that is not there yet is made.", valueName: "to"))
    var target: String

    func run() throws {
        if source == target || StoreLocation.areSame(source, target) {
            throw UsageError("a store cannot be copied into itself")
        }
        try copyStore(try StoreLocation.existing(source), to: try StoreLocation.existing(target))
    }
}

struct StoreStatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Count the runs and events of a store, and say what it takes on disk.",
        discussion: """
            EXAMPLES
              aikit-lua store stats
              aikit-lua store stats --json --store runs.db
            """)

    @OptionGroup var store: StoreChoice

    @Flag(help: "Print the figures as JSON.")
    var json = false

    func run() throws {
        let (statistics, name) = try store.withRuns(looking: true) { runs in
            (try await runs.journal.statistics(), runs.path)
        }
        let statuses = RunMachine.Status.allCases.map { ($0.rawValue, statistics.runs[$0] ?? 0) }
        let total = statuses.reduce(0) { $0 + $1.1 }
        if json {
            let value: Value = [
                "runs": Value(entries: statuses.map { ($0.0, Value(Int64($0.1))) }),
                "events": Value(Int64(statistics.events)), "generations": Value(Int64(statistics.generations)),
                "contents": Value(Int64(statistics.contents)), "bytes": Value(Int64(statistics.bytes)),
                "freeBytes": Value(Int64(statistics.freeBytes)),
            ]
            return TextStream.output.writeLine(value.prettyJSON)
        }
        let parts = statuses.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        let runs = counted(total, "run") + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
        for line in [
            name, "  \(runs)",
            "  \(counted(statistics.events, "event")), \(counted(statistics.generations, "version")) of code, "
                + "\(statistics.bytes / 1024) KiB on disk, \(statistics.freeBytes / 1024) KiB of them free",
        ] { TextStream.output.writeLine(line) }
    }
}

/// Copies a store that is there into one that is made if it is missing, and says what was copied.
///
/// - Parameter name: what the target is called to people; nil for what it is.
func copyStore(_ source: String, to target: String, named name: String? = nil) throws {
    let place = StoreLocation.at(source)
    // Open runs are taken while they are copied, which has to be written somewhere.
    let duplicate = try place.duplicate()
    defer { duplicate?.remove() }
    guard let from = try (duplicate.map { .file($0.path) } ?? place).open(creates: false),
        // A backup on a disk that is full is worth nothing before somebody makes room.
        let to = try StoreLocation.at(target).open(
            creates: true, waits: name == nil, telling: { TextStream.errors.writeLine($0) })
    else { throw UsageError("runs in memory end with their process; name a file or a database") }
    let names = (duplicate == nil ? from.name : source, name ?? to.name)
    let outcome: Result<StoreCopy.Report, any Error> = waitFor {
        let result: Result<StoreCopy.Report, any Error>
        do {
            let report = try await StoreCopy(from: from, to: to).run { report, all in
                TextStream.errors.writeLine("\(report.runs + report.known) of \(all) runs")
            }
            result = .success(report)
        } catch {
            result = .failure(error)
        }
        await from.close()
        await to.close()
        return result
    }
    let report = try outcome.get()
    let known = report.known > 0 ? ", \(report.known) were there already" : ""
    TextStream.errors.writeLine(
        "copied \(counted(report.runs, "run")) with \(counted(report.events, "event")) from \(names.0) to \(names.1)\(known)"
    )
}
