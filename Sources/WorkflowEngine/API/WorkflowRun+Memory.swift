internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// The memory that runs take for what they begin with.
extension WorkflowRun {
    /// All runs of the process together; more would leave too little for what they record.
    private static let budget = MemoryBudget(limit: MemoryAllowance.memory / 2)
    /// Bytes that are not counted.
    private static let smallSize = 64 << 10
    /// How often a run that begins holds what it begins with: as it was given, recorded, and in its VM.
    private static let copies = 3

    /// Takes the memory for what the run begins with, as long as this handle lives. Where it has been taken before, nothing.
    ///
    /// - Parameter size: that of all values together, in bytes.
    /// - Throws: ``RunFailure`` with the code `not_enough_memory`, which may pass as other runs end.
    func takeMemory(_ size: Int) throws(RunFailure) {
        if size < Self.smallSize || state.withLock({ $0.memory != nil }) { return }
        guard let holding = Self.budget.hold(size, copies: Self.copies) else {
            throw RunFailure(
                code: JournalError.Code.notEnoughMemory.rawValue,
                message:
                    "the runs under way began with more together than there is memory for; start fewer at once, or "
                    + "give the process more")
        }
        state.withLock { $0.memory = holding }
    }
}
