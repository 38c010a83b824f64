internal import ArgumentParser
internal import FlatValue
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine

struct RunsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the runs of a store, the newest first.",
        discussion: """
            Times are durations before now, such as 30m, 2h or 7d, or dates and times such as 2026-11-23 or
            2026-11-23T06:30Z. With --json the runs are one array of { runId, workflowId, status, startedAt, updatedAt,
            finishedAt?, wakeAt?, generation, lineage?, tags?, owner?, processGone?, released?, events, waits?, undoing?, error?, trouble? }, with
            times in milliseconds since 1970.

            WHAT says what a run waits for and until when, which step it undoes, or why it failed. A run that is running (process
            gone) or running (released) is carried by nobody, since its process died or ended orderly: a service of the store goes
            on with it, and so does `aikit-lua runs recover`.

            EXAMPLES
              aikit-lua runs list
              aikit-lua runs list --workflow order --status failed,cancelled --since 2h
              aikit-lua runs list --tag region=eu --tag paid=true
              aikit-lua runs list --status waiting_human --json | jq -r '.[].runId'
            """)

    @OptionGroup var store: StoreChoice
    @OptionGroup var filter: RunFilterOptions

    @Option(help: ArgumentHelp("The most runs to list.", valueName: "n"))
    var limit: Int?

    @Flag(help: "Print the runs as a JSON array.")
    var json = false

    func run() throws {
        var filter = try filter.filter(now: SystemClock().now())
        if let limit {
            guard limit > 0 else { throw UsageError("--limit takes a number of at least 1, got \(limit)") }
            filter.limit = limit
        }
        let (runs, unreadable, path) = try store.withRuns(looking: true) { [filter] runs in
            let glances = await runs.glances(at: try await runs.journal.list(filter))
            return (glances, try await runs.journal.unreadable(), runs.path)
        }
        defer { tellDamaged(unreadable.count + runs.count { $0.trouble != nil }, in: path) }
        if json {
            TextStream.output.writeLine(Value(array: runs.map(\.value)).prettyJSON)
        } else if runs.isEmpty {
            TextStream.errors.writeLine("no runs")
        } else {
            TextStream.output.write(RunTable(runs).text(for: .output))
            tellAbandoned(runs.count { $0.header.isAbandoned }, in: path)
        }
    }

    private func tellDamaged(_ count: Int, in path: String) {
        guard count > 0 else { return }
        let command = "aikit-lua runs check" + StoreLocation.at(path).arguments
        TextStream.errors.writeLine("\(counted(count, "run")) cannot be read whole; to see why: \(command)")
    }

    private func tellAbandoned(_ count: Int, in path: String) {
        guard count > 0 else { return }
        let command = "aikit-lua runs recover" + StoreLocation.at(path).arguments
        TextStream.errors.writeLine("\(counted(count, "run")) without a process; to go on: \(command)")
    }
}

/// Which runs a command is about.
struct RunFilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only runs of this workflow.", valueName: "id"))
    var workflow: String?

    @Option(
        help: ArgumentHelp(
            "Only runs of these statuses: \(RunMachine.Status.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "status,…"),
        completion: .list(RunMachine.Status.allCases.map(\.rawValue)))
    var status: [String] = []

    @Option(
        name: .customLong("tag"), parsing: .singleValue,
        help: ArgumentHelp(
            "Only runs with this tag. May be given again: then with all of them.", valueName: "name=value"))
    var tags: [String] = []

    @Option(help: ArgumentHelp("Only runs that began at this time or later.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only runs that began at this time or before.", valueName: "time"))
    var until: String?

    func filter(now: Int64) throws(UsageError) -> RunFilter {
        var filter = RunFilter(workflow: workflow)
        filter.statuses = try RunMachine.Status.read(status)
        filter.tags = try tags.map { word throws(UsageError) in try TagArgument.candidates(word) }
        if since != nil || until != nil {
            let first = try since.map { text throws(UsageError) in try Self.time(text, "--since", now) } ?? .min
            let last = try until.map { text throws(UsageError) in try Self.time(text, "--until", now) } ?? .max
            guard first <= last else { throw UsageError("--since lies behind --until, so no run is in between") }
            filter.created = first...last
        }
        return filter
    }

    private static func time(_ text: String, _ option: String, _ now: Int64) throws(UsageError) -> Int64 {
        if let time = TimeText.microseconds(text, before: now) { return time }
        throw UsageError("\(option) takes a duration such as 2h, or a time such as 2026-11-23T06:30Z, got '\(text)'")
    }
}

extension RunMachine.Status {
    /// The statuses that the values of `--status` name, each a list with commas; nil for all.
    static func read(_ values: [String]) throws(UsageError) -> Set<RunMachine.Status>? {
        let words = values.flatMap { $0.split(separator: ",").map(String.init) }
        if words.isEmpty { return nil }
        let known = allCases.map(\.rawValue)
        var statuses: Set<RunMachine.Status> = []
        for word in words {
            guard let status = RunMachine.Status(rawValue: word) else {
                let hint =
                    nearest(to: word, in: known).map { "did you mean '\($0)'?" }
                    ?? "there are: \(known.joined(separator: ", "))"
                throw UsageError("--status: a run is never '\(word)'; \(hint)")
            }
            statuses.insert(status)
        }
        return statuses
    }
}
