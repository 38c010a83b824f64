internal import ArgumentParser
internal import FlatValue
internal import SQLiteJournal
internal import WorkflowCore

/// Where a run is kept, and how safely.
struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the run is kept: a file, the address of a database, or memory; \(StoreLocation.usual) beside the script "
                + "unless given.",
            valueName: "path|postgres://…|memory"), transform: namedPath)
    var store: String?

    @Option(help: DurabilityChoice.help, completion: .list(DurabilityChoice.allCases.map(\.rawValue)))
    var durability: String?
}

/// What a step that has ended survives before the next one starts.
enum DurabilityChoice: String, CaseIterable {
    case full, normal
    /// Nothing is written: the run ends with its process.
    case memory

    static let help = ArgumentHelp(
        "What a finished step survives: full, a loss of power; normal, the death of the process; memory, neither.",
        valueName: "full|normal|memory")

    init(argument: String) throws(UsageError) {
        guard let choice = Self(rawValue: argument) else {
            let hint = nearest(to: argument, in: Self.allCases.map(\.rawValue)).map { "; did you mean '\($0)'?" } ?? ""
            throw UsageError("--durability takes full, normal or memory, got '\(argument)'\(hint)")
        }
        self = choice
    }

    /// As the store takes it; nil where there is none.
    var options: SQLiteJournalOptions.Durability? {
        switch self {
        case .full: .full
        case .normal: .normal
        case .memory: nil
        }
    }
}
