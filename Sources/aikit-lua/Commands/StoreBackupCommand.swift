internal import ArgumentParser
internal import CHostSystem
internal import FlatValue
internal import Foundation
internal import Platform
internal import SQLiteJournal
internal import WorkflowEngine

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
        Interrupts.install { _, _ in
            Self.remove(part)
            TextStream.errors.writeLine("stopped; nothing was saved")
            return .ends
        }
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
        try StoreBackup.make(of: file, in: part, named: name)
        let (statistics, problems): (StoreStatistics, [StoreProblem])
        do {
            (statistics, problems) = try look(at: part)
        } catch let error as JournalError where error.reason == .storeCorrupt {
            throw damaged(file, error.told.replacing(part, with: file))
        }
        if let problem = problems.first {
            throw damaged(file, (problem.run.map { "run \($0): " } ?? "") + problem.reason)
        }
        let runs = counted(statistics.runs.values.reduce(0, +), "run")
        TextStream.errors.writeLine(
            "copied \(runs) with \(counted(statistics.events, "event")) from \(file) to \(name)")
    }

    /// What a copy has, all of which is read.
    private static func look(at copy: String) throws -> (StoreStatistics, [StoreProblem]) {
        guard let saved = try StoreLocation.file(copy).open(creates: false, waits: false) else {
            throw UsageError("there is no copy at \(copy)")
        }
        let outcome: Result<(StoreStatistics, [StoreProblem]), any Error> = waitFor {
            let result: Result<(StoreStatistics, [StoreProblem]), any Error>
            do {
                result = .success((try await saved.statistics(), try await saved.check()))
            } catch {
                result = .failure(error)
            }
            await saved.close()
            return result
        }
        return try outcome.get()
    }

    private static func damaged(_ store: String, _ reason: String) -> UsageError {
        var problem = Problem("the store \(store) is damaged, and nothing was saved: \(reason)", code: "store_corrupt")
        let place = StoreLocation.file(store).arguments
        problem.notes.append("all that is damaged: aikit-lua runs check\(place)")
        problem.notes.append("what a backup has when it is gone is whole: aikit-lua runs prune --damaged\(place)")
        return UsageError(problem)
    }

    /// What stands between the name of a backup that is being made and the number of the process that makes it.
    private static let mark = ".partial-"

    /// Removes what processes have left that are gone.
    private static func removeLeftovers(of path: String) {
        let folder = path.folderPart
        let name = path[folder.endIndex...]
        for pid in Set(FolderNames.gone(in: folder.isEmpty ? "./" : String(folder), behind: name + mark).map(\.process))
        {
            remove("\(path)\(mark)\(pid)")
        }
    }

    private static func remove(_ path: String) {
        for end in ["", "-wal", "-shm", "-owners", "-journal"] { unlink(path + end) }
    }
}
