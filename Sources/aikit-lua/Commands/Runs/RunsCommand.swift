internal import ArgumentParser
internal import FlatValue
internal import JSONSchema
internal import SQLiteJournal
internal import WorkflowEngine

struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "Look at the runs of a store, and steer them.",
        discussion: """
            A run's id may be shortened to its first letters, as long as no other run's id begins with them.

            EXAMPLES
              aikit-lua runs list --status failed --since 2h
              aikit-lua runs show order-7
              aikit-lua runs events order-7 --follow
              aikit-lua runs retry order-7 --script fixed.lua
            """,
        subcommands: [
            RunsListCommand.self, RunsShowCommand.self, RunsEventsCommand.self, RunsCancelCommand.self,
            RunsRetryCommand.self, RunsForkCommand.self, RunsUpgradeCommand.self, RunsRecoverCommand.self,
            RunsPruneCommand.self, RunsRecordCommand.self, RunsCheckCommand.self, RunsVerifyCommand.self,
            RunsTraceCommand.self,
        ])
}

/// The store that a command looks into.
struct StoreChoice: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the runs are kept: a file, or the address of a database; the nearest \(StoreLocation.usual), here or "
                + "above, unless given.",
            valueName: "path|postgres://…"), transform: namedPath)
    var store: String?

    /// The file in which the runs are kept.
    var path: String { get throws(UsageError) { try StoreLocation.existing(store) } }

    /// Opens the store for one command, does something with it, and closes it.
    ///
    /// - Parameters:
    ///   - looking: changes nothing, so that the store need not be writable.
    ///   - usesReserve: makes room on a full disk.
    func withRuns<Result: Sendable>(
        looking: Bool = false, usesReserve: Bool = false,
        _ body: @escaping @Sendable (StoredRuns) async throws -> Result
    ) throws -> Result {
        let place = StoreLocation.at(try path)
        if looking, case .file(let path) = place, case let names = SQLiteJournal.hardLinks(of: path), names > 1 {
            TextStream.errors.writeLine(
                "\(path) has \(names) names (hard links); runs that were written by another one may not be shown")
        }
        let opened =
            looking
            ? try place.openForLooking()
            : try place.open(creates: false, usesReserve: usesReserve) { TextStream.errors.writeLine($0) }
        guard let journal = opened else { throw UsageError("--store takes the file in which the runs are kept") }
        let result = waitFor {
            let result: Swift.Result<Result, any Error>
            do {
                result = .success(try await body(StoredRuns(journal)))
            } catch {
                result = .failure(error)
            }
            await journal.close()
            return result
        }
        return try result.get()
    }
}

/// A run that a command is about.
struct RunChoice: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The run's id, or the beginning of it.", valueName: "run"),
        completion: .custom { _, _, prefix in StoredRuns.ids(from: prefix) })
    var run: String
}
