internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// The memory in which runs are read and told of, such as for their JSON, which all who do so share: the system ends a process that it
/// refuses memory to. What one has taken is given back when it goes. Any thread.
package final class TellingMemory: Sendable {
    private static let all = Atomic<Int>(0)
    /// How often a value is held beside the run while it is told: as values, as text, and with room for growth.
    private static let copies = 9
    /// How often a run is held at once as it is read and decoded, room for growth included.
    static let readCopies = 4
    /// Bytes that are had without asking the system whether it has them.
    static let unprobedSize = 1 << 20
    /// Bytes that are left to the rest of the process.
    private static let room = 64 << 20
    /// Bytes that are taken at once of a process whose memory has no limit; one alone may take more.
    private static let limit = MemoryAllowance.memory / 4

    private let taken = Atomic<Int>(0)

    package init() {}

    deinit { Self.all.subtract(taken.load(ordering: .relaxed), ordering: .relaxed) }

    /// Takes the memory in which so many bytes of a run are told.
    ///
    /// - Throws: ``RunFailure`` with the code `not_enough_memory`.
    package func take(_ size: Int, of run: String) throws(RunFailure) {
        if take(size, copies: Self.copies) { return }
        throw RunFailure(
            code: JournalError.Code.notEnoughMemory.rawValue,
            message:
                "this process has not enough memory to tell \((size >> 20) + 1) MiB of run \(run) now; ask again, ask for less, or "
                + "give it more (ulimit -v, -d)")
    }

    /// Takes the memory in which a run of so many bytes is read and decoded; whether it is there.
    func takeToRead(_ size: Int) -> Bool { take(size, copies: Self.readCopies) }

    private func take(_ size: Int, copies: Int) -> Bool {
        let (bytes, overflow) = size.multipliedReportingOverflow(by: copies)
        guard size >= Self.unprobedSize else { return true }
        guard !overflow else { return false }
        let mine = taken.add(bytes, ordering: .relaxed).newValue
        let all = Self.all.add(bytes, ordering: .relaxed).newValue
        return MemoryAllowance.isLimited ? MemoryAllowance.isFree(all + Self.room) : all <= Self.limit || all == mine
    }
}

extension RunRecord {
    /// Makes something of the whole run, such as its JSON.
    ///
    /// - Parameter size: how many bytes of the run are told; nil for all.
    /// - Throws: ``RunFailure`` with the code `not_enough_memory`; what `body` throws.
    package func telling<Told>(_ size: Int? = nil, _ body: () throws -> Told) throws -> Told {
        let memory = TellingMemory()
        try memory.take(size ?? log.size, of: id)
        defer { withExtendedLifetime(memory) {} }
        return try body()
    }
}
