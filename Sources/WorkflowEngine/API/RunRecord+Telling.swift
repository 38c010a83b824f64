internal import FlatValue
internal import Synchronization
internal import WorkflowCore

extension RunRecord {
    /// Bytes that those who tell of runs now take together.
    private static let told = Atomic<Int>(0)
    /// How often what a run recorded is held beside the record while its JSON is made: as values, as text, and with room for growth.
    private static let copies = 7
    /// Bytes of a record that need not be asked for, and bytes that are left to the rest of the process.
    private static let (unprobedSize, room) = (1 << 20, 64 << 20)

    /// Makes something of the whole run, such as its JSON, if the process has the memory for that: the system ends a process that it
    /// refuses memory to. Any thread.
    ///
    /// - Parameter size: how many bytes of the run are told; nil for all.
    /// - Throws: ``RunFailure`` with the code `not_enough_memory`; what `body` throws.
    package func telling<Told>(_ size: Int? = nil, _ body: () throws -> Told) throws -> Told {
        let size = size ?? log.size
        guard MemoryAllowance.isLimited, size >= Self.unprobedSize else { return try body() }
        let bytes = Self.copies * size
        let all = Self.told.add(bytes, ordering: .relaxed).newValue
        defer { Self.told.subtract(bytes, ordering: .relaxed) }
        guard MemoryAllowance.isFree(all + Self.room) else {
            throw RunFailure(
                code: JournalError.Code.notEnoughMemory.rawValue,
                message:
                    "this process has not enough memory to tell \((size >> 20) + 1) MiB of run \(id) (ulimit -v, -d); give it more, "
                    + "or ask for its events")
        }
        return try body()
    }
}
