internal import StoreConformance
internal import Testing
internal import WorkflowEngine

@Suite("The contract of stores tells a wrong store from a right one")
struct FaultyStoreTests {
    @Test(.timeLimit(.minutes(1)), arguments: StoreFault.allCases)
    func `a store with one fault fails`(_ fault: StoreFault) async {
        var violations = 0
        for check in StoreContract.all {
            do { try await check.run(FaultyBackend(fault: fault)) } catch { violations += 1 }
        }
        #expect(violations > 0)
    }
}

private struct FaultyBackend: StoreBackend {
    let fault: StoreFault
    private let memory = MemoryBackend()

    init(fault: StoreFault) { self.fault = fault }

    func open() -> any RunStore { FaultyStore(memory.journal(), fault) }

    var now: Int64 { memory.now }

    func skip(_ microseconds: Int64) { memory.skip(microseconds) }
}
