internal import StoreConformance
internal import Testing

@Suite("A store in memory keeps the contract of stores")
struct MemoryContractTests {
    @Test(.timeLimit(.minutes(1)), arguments: StoreContract.all)
    func `it does what every store does`(_ check: StoreCheck) async throws { try await check.run(MemoryBackend()) }
}
