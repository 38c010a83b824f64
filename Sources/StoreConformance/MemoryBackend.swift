package import MemoryJournal
package import WorkflowEngine

/// A store in memory, whose time a check sets.
package struct MemoryBackend: StoreBackend {
    private let store = MemoryStore()
    private let clock = VirtualClock()

    package init() {}

    package func open() -> any RunStore { journal() }

    package func journal() -> MemoryJournal { MemoryJournal(store, lease: StoreContract.lease, clock: clock) }

    package var now: Int64 { clock.now() }

    package func skip(_ microseconds: Int64) { clock.set(clock.now() + microseconds) }
}
