package import WorkflowEngine

/// What every store does, as checks that every adapter runs.
///
/// ```swift
/// @Test(arguments: StoreContract.all)
/// func `keeps the contract`(_ check: StoreCheck) async throws { try await check.run(MyBackend()) }
/// ```
package enum StoreContract {
    /// Every check there is.
    package static var all: [StoreCheck] {
        writing + owning + deaths + inbox + queue + listing + upkeep + rewriting + schedules + tokens + caching
            + limiting + faults
            + copying
    }

    /// The lease of the journals that a ``StoreBackend`` opens, in microseconds.
    package static let lease: Int64 = 15_000_000
    /// From how many bytes on they store payloads by themselves, if the adapter does so.
    package static let largePayload = 4096
}

/// One thing that a store does. Each check gets a store of its own.
package struct StoreCheck: Sendable, CustomStringConvertible {
    package let name: String
    private let body: @Sendable (any StoreBackend) async throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (any StoreBackend) async throws -> Void) {
        self.name = name
        self.body = body
    }

    package var description: String { name }

    /// Checks an empty store.
    ///
    /// - Throws: ``ContractViolation``, or what the store threw where it should not have.
    package func run(_ backend: any StoreBackend) async throws { try await body(backend) }
}

/// One store, which checks open, age and harm.
package protocol StoreBackend: Sendable {
    /// Opens the store as one more process would, with ``StoreContract/lease``.
    func open() async throws -> any RunStore

    /// The time of the journals' clocks, in microseconds since 1970.
    var now: Int64 { get }

    /// Lets time pass for the leases and the queue in the store, in microseconds; a negative one sets the clock back.
    func skip(_ microseconds: Int64) async throws

    /// Ends a journal as the death of its process does: nothing is let go, and its lease goes on until it runs out.
    func loseOwner(of journal: any RunStore) async throws

    /// Changes bytes of a run's newest entry behind the store's back; false where that cannot be done.
    func damage(_ run: String) async throws -> Bool

    /// Makes the store unable to take anything, for a reason that passes.
    ///
    /// - Returns: what ends that; nil where the store always takes everything.
    func interrupt() async throws -> (@Sendable () async throws -> Void)?
}

extension StoreBackend {
    package func loseOwner(of journal: any RunStore) async throws {}
    package func damage(_ run: String) async throws -> Bool { false }
    package func interrupt() async throws -> (@Sendable () async throws -> Void)? { nil }
}
