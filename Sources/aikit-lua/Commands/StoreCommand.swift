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

struct StoreBackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Save all runs of a store in a new file, from which they can be gone on with.",
        discussion: """
            EXAMPLES
              aikit-lua store backup saved.db
              aikit-lua store backup saved.db --store postgres://app@db.example/runs
            """)

    @Argument(help: ArgumentHelp("The file that is made.", valueName: "file"), completion: .file())
    var file: String

    @OptionGroup var store: StoreChoice

    func run() throws {
        guard case .file(let path) = StoreLocation.at(try StoreLocation.existing(file)) else {
            throw UsageError("a backup is a file; 'aikit-lua store migrate' copies a store into a database")
        }
        var there = stat()
        if lstat(path, &there) == 0 { throw UsageError("there is a file \(path) already; a backup replaces nothing") }
        // Under its name stands a whole backup or none; what one that broke off has left is nobody's.
        Self.removeLeftovers(of: path)
        let part = "\(path)\(Self.mark)\(getpid())"
        Self.remove(part)
        defer { Self.remove(part) }
        try Self.save(try store.path, as: part, named: path)
        // A plain rename would replace what has come meanwhile, and a store with two names is refused.
        switch hs_rename_new(part, path) {
        case 0: break
        case EEXIST: throw UsageError("there is a file \(path) already; a backup replaces nothing")
        case let error: throw UsageError("cannot make \(path): \(systemMessage(error))")
        }
    }

    /// Saves a file page by page, whoever drives its runs meanwhile, and all else run by run.
    private static func save(_ source: String, as part: String, named name: String) throws {
        guard case .file(let file) = StoreLocation.at(source), SQLiteJournal.mayWrite(file),
            !SQLiteJournal.isOpenInOlderVersion(file)
        else { return try copyStore(source, to: part, named: name) }
        try StoreBackup.make(of: file, in: part)
        guard let saved = try StoreLocation.file(part).open(creates: false, waits: false) else { return }
        let outcome: Result<StoreStatistics, any Error> = waitFor {
            let result: Result<StoreStatistics, any Error>
            do { result = .success(try await saved.statistics()) } catch { result = .failure(error) }
            await saved.close()
            return result
        }
        let statistics = try outcome.get()
        let runs = counted(statistics.runs.values.reduce(0, +), "run")
        TextStream.errors.writeLine(
            "copied \(runs) with \(counted(statistics.events, "event")) from \(file) to \(name)")
    }

    /// What stands between the name of a backup that is being made and the number of the process that makes it.
    private static let mark = ".partial-"

    /// Removes what processes have left that are gone.
    private static func removeLeftovers(of path: String) {
        let (folder, name) =
            path.lastIndex(of: "/").map {
                (String(path[...$0]), String(path[path.index(after: $0)...]))
            } ?? ("./", path)
        guard let entries = opendir(folder) else { return }
        defer { closedir(entries) }
        var parts: Set<pid_t> = []
        while let entry = readdir(entries) {
            let found = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard found.hasPrefix(name + mark) else { continue }
            let number = found.dropFirst(name.count + mark.count).prefix { $0.isASCII && $0.isNumber }
            if let pid = pid_t(number) { parts.insert(pid) }
        }
        for pid in parts where kill(pid, 0) != 0 && errno == ESRCH { remove("\(path)\(mark)\(pid)") }
    }

    private static func remove(_ path: String) {
        for end in ["", "-wal", "-shm", "-owners", "-journal"] { unlink(path + end) }
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
private func copyStore(_ source: String, to target: String, named name: String? = nil) throws {
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
