internal import FlatValue
internal import WorkflowCore

extension StoredRun {
    /// What a run is read for.
    package enum Purpose {
        /// It is decoded and told of.
        case look
        /// It goes on, and records more.
        case drive
    }

    /// Makes sure that the process has the memory for what a store is about to read of a run, and for what is made of it.
    ///
    /// - Parameters:
    ///   - events: how many events they are.
    ///   - arena: bytes of the arena that come with them.
    /// - Returns: what the run is to keep until it has been decoded; nil where it is to keep nothing.
    /// - Throws: ``JournalError`` with the code `not_enough_memory`.
    package static func expectMemory(
        for run: String, events: Int, arena: Int, purpose: Purpose
    ) throws(JournalError) -> TellingMemory? {
        let size = arena + events * MemoryLayout<Event>.stride
        if size < TellingMemory.unprobedSize { return nil }
        switch purpose {
        case .look:
            let memory = TellingMemory()
            if memory.takeToRead(size) { return memory }
        case .drive: if MemoryAllowance.admits(TellingMemory.readCopies * size) { return nil }
        }
        throw JournalError(
            code: .notEnoughMemory,
            message:
                "run \(run) recorded \((size >> 20) + 1) MiB, for which this process has not enough memory (ulimit -v, -d); "
                + "give it more. The run stays as it is")
    }
}
