internal import FlatValue
internal import Platform
internal import PostgresJournal
internal import SQLiteJournal
internal import WorkflowEngine

/// Where runs are kept.
enum StoreLocation: Equatable {
    case memory
    case file(String)
    /// A connection URI, which may hold a password.
    case database(String)

    /// The store of a directory in which scripts lie.
    static let usual = ".aikit/runs.db"

    /// Where the runs of a script are kept: as `--store` says, else beside the script.
    init(_ argument: String?, beside script: String) throws(UsageError) {
        switch argument {
        case "memory": self = .memory
        case let path?: self = .at(try Self.checked(path))
        case nil:
            self = .file(script.folderPart + Self.usual)
        }
    }

    /// The place that a name is one of, which was checked before: a file, or a database.
    static func at(_ name: String) -> StoreLocation { PostgresJournal.isAddress(name) ? .database(name) : .file(name) }

    /// Where a run that is there already is looked for: as `--store` says, else in the nearest store, from the working
    /// directory upwards.
    static func existing(_ argument: String?) throws(UsageError) -> String {
        switch argument {
        case "memory":
            throw UsageError("runs in memory end with their process; --store takes the file in which the run is kept")
        case let path?: return try checked(path)
        case nil:
            if let path = nearest { return path }
            throw UsageError(
                Problem(
                    "there is no store at \(usual), here or in a directory above; name one with --store",
                    code: "store_missing"))
        }
    }

    private static func checked(_ path: String) throws(UsageError) -> String {
        do throws(JournalError) {
            // An address is read as a store would read it, so that what is wrong with it shows now.
            if PostgresJournal.isAddress(path) {
                _ = try PostgresJournal(path)
            } else {
                try SQLiteJournal.checkName(path)
            }
            return path
        } catch {
            throw UsageError(Problem("--store: \(error.told)", code: error.code))
        }
    }

    /// The path of the nearest store, from the working directory upwards.
    private static var nearest: String? {
        guard let working = realpath(".", nil) else { return nil }
        defer { free(working) }
        let depth = String(cString: working).split(separator: "/").count
        return (0...depth).lazy.map { String(repeating: "../", count: $0) + usual }.first { access($0, F_OK) == 0 }
    }

    /// What the command line of another command needs so that it finds this store from the same directory.
    var arguments: String {
        switch self {
        case .memory: ""
        case .database(let address): " --store " + shellQuoted(PostgresJournal.printable(address))
        case .file(let path): Self.nearest.map { Self.areSame($0, path) } == true ? "" : " --store " + shellQuoted(path)
        }
    }

    /// Whether two names lead to one file.
    static func areSame(_ one: String, _ other: String) -> Bool {
        var (first, second) = (stat(), stat())
        return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev
            && first.st_ino == second.st_ino
    }

    /// The journal of the place; nil for the memory. What cannot be opened shows when it is first used.
    ///
    /// - Parameters:
    ///   - creates: makes a store that is not there; a missing one is an error otherwise.
    ///   - usesReserve: may use the space that the store holds back for a full disk.
    ///   - waits: tries again for a while what a file cannot take for a reason that may pass.
    ///   - told: gets lines for people when the store cannot be written and runs wait for it, and when they go on.
    ///   - heard: gets why the store cannot be written, and nil when it can again.
    func open(
        creates: Bool, durability: SQLiteJournalOptions.Durability = .full, usesReserve: Bool = false,
        waits: Bool = true, telling told: (@Sendable (String) -> Void)? = nil,
        stalling heard: (@Sendable (JournalError?) -> Void)? = nil
    ) throws(UsageError) -> (any LastingStore)? {
        var stalled: (@Sendable (JournalError?) -> Void)?
        if let told {
            stalled = { error in
                heard?(error)
                told(error.map(Self.stallText) ?? "the store can be written again; runs go on")
            }
        }
        switch self {
        case .memory: return nil
        case .database(let address):
            let options = PostgresJournalOptions(
                durability: durability == .full ? .full : .normal, creates: creates, onStall: stalled)
            do throws(JournalError) { return try PostgresJournal(address, options: options) } catch {
                throw UsageError(Problem("--store: \(error.told)", code: error.code))
            }
        case .file(let path):
            return open(
                path, creates: creates, durability: durability, usesReserve: usesReserve, waits: waits, stalled)
        }
    }

    private func open(
        _ path: String, creates: Bool, durability: SQLiteJournalOptions.Durability, usesReserve: Bool,
        waits: Bool, _ stalled: (@Sendable (JournalError?) -> Void)?
    ) -> SQLiteJournal {
        let file = SQLiteJournal.file(of: path)
        var options = SQLiteJournalOptions(
            durability: durability, creates: creates,
            hidesFromGit: file == Self.usual || file.hasSuffix("/" + Self.usual))
        options.usesReserve = usesReserve
        if !waits { options.retryTime = 0 }
        options.onStall = stalled
        return SQLiteJournal(deferring: path, options: options)
    }

    /// The journal of a place that is only looked at, which also works where it may not be written, and leaves a
    /// store that an older version has open as it is; nil for the memory.
    ///
    /// - Parameter creates: takes a store that is not there for an empty one; a missing one is an error otherwise.
    func openForLooking(creates: Bool = false) throws(UsageError) -> (any LastingStore)? {
        // A store that older processes have open is not taken from them by a look at it.
        if case .file(let path) = self, !SQLiteJournal.mayWrite(path) || SQLiteJournal.isOpenInOlderVersion(path) {
            return SQLiteJournal(viewing: path)
        }
        return try open(creates: creates)
    }

    /// A copy of a file that may not be written, or that an older version has open, for what needs a store that can be; nil for
    /// every other place. Who gets it removes it.
    func duplicate() throws(JournalError) -> StoreDuplicate? {
        guard case .file(let path) = self,
            !SQLiteJournal.mayWrite(path) || SQLiteJournal.isOpenInOlderVersion(path)
        else { return nil }
        return try StoreDuplicate(of: path)
    }

    private static func stallText(_ error: JournalError) -> String {
        "\(error.told); runs wait, and go on by themselves when it can be written"
    }
}
