internal import FlatValue
internal import Synchronization

/// The turn to use the memory that is otherwise left alone: of the processes that all wait for memory one goes on, so that what they
/// hold becomes free. Any thread.
struct LastMemory: ~Copyable {
    private static let isTaken = Atomic<Bool>(false)
    /// Bytes that are left to the rest of the host.
    private static let room = 64 << 20

    /// Nil while another process has it.
    init?() {
        guard !Self.isTaken.exchange(true, ordering: .acquiringAndReleasing) else { return nil }
    }

    deinit { Self.isTaken.store(false, ordering: .releasing) }

    borrowing func admits(_ bytes: Int) -> Bool { MemoryAllowance.isFree(bytes + Self.room) }
}
