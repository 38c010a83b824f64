internal import SQLiteJournal
internal import WorkflowEngine

/// Where runs are kept.
enum StoreLocation: Equatable {
    case memory
    case file(String)

    /// Reads the value of `--store`.
    init(_ argument: String?) {
        switch argument {
        case nil, "memory": self = .memory
        case let path?: self = .file(path)
        }
    }

    /// The journal of the place; nil for the memory.
    ///
    /// - Parameter creates: makes a store that is not there; a missing one is an error otherwise.
    func open(creates: Bool) throws(UsageError) -> SQLiteJournal? {
        guard case .file(let path) = self else { return nil }
        do throws(JournalError) {
            return try SQLiteJournal(path: path, options: SQLiteJournalOptions(creates: creates))
        } catch {
            throw UsageError(Problem(error.message, code: error.code))
        }
    }
}
