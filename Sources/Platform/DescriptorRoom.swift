internal import Synchronization

/// How many files and connections the process may still open (`ulimit -n`). Any thread.
///
/// The last are left to stores, to whoever asks for the health of the process, and to the libraries: the one that runs tasks ends the
/// process where it cannot open a file of the system's.
package enum DescriptorRoom {
    /// Those that are about to be opened.
    private static let claimed = Atomic<Int>(0)

    /// Room for some that are about to be opened, until they are or will not be.
    package struct Claim: ~Copyable {
        private let count: Int

        /// Nil where they would take what is kept, or what is kept for clients.
        package init?(_ count: Int) {
            self.count = count
            let sum = DescriptorRoom.claimed.add(count, ordering: .relaxed).newValue
            let limit = ProcessLimit.descriptors.current ?? .max
            if limit - 2 * DescriptorRoom.kept(of: limit) - sum < DescriptorRoom.used(of: limit) { return nil }
        }

        deinit { DescriptorRoom.claimed.subtract(count, ordering: .relaxed) }

        package consuming func end() {}

        /// The claim lasts until here at least.
        package borrowing func lasts() {}
    }

    /// What is still free of what is kept, in all of it: 1 or more where it is untouched, 0 where nothing is left.
    package static var spare: Double {
        let limit = ProcessLimit.descriptors.current ?? .max
        return Double(limit - used(of: limit)) / Double(kept(of: limit))
    }

    /// Those that clients leave alone; scripts leave twice as many, so that none of them keeps clients from the process.
    private static func kept(of limit: Int) -> Int { max(8, min(limit / 8, 1024)) }

    /// How many are open, without those above the lowest number that is free.
    private static func used(of limit: Int) -> Int {
        #if canImport(Glibc)
            let probe = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        #else
            let probe = socket(AF_UNIX, SOCK_DGRAM, 0)
        #endif
        guard probe >= 0 else { return limit }
        close(probe)
        return Int(probe)
    }
}
