internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Every journal tells how the owner of a run ended")
struct DeathConformance {
    /// How the owner of some runs ended, for whoever claims them after its lease.
    private func ends(_ adapter: Adapter, running: Int, waiting: Int, closing: Bool) async throws -> Set<OwnerEnd> {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let ids = (0..<running + waiting).map { "r\($0)" }
        for (number, id) in ids.enumerated() {
            await TestRun(id).write(to: first, status: number < running ? .running : .waiting)
        }
        if closing { await first.close() } else { try await backend.loseOwner(of: first) }
        backend.wait(Backend.lease + 1)
        var ends: Set<OwnerEnd> = []
        for claim in try await second.claim(ids) {
            if case .claimed(let run, _, _) = try claim.get() { ends.insert(run.ownerEnd) }
        }
        await second.close()
        return ends
    }

    @Test(arguments: Adapter.allCases)
    func `a run that was let go has no death behind it`(_ adapter: Adapter) async throws {
        #expect(try await ends(adapter, running: 2, waiting: 1, closing: true) == [.released])
    }

    @Test(arguments: Adapter.allCases)
    func `a death counts against a run whose code was under way alone`(_ adapter: Adapter) async throws {
        #expect(try await ends(adapter, running: 1, waiting: 0, closing: false) == [.diedAlone])
    }

    @Test(arguments: Adapter.allCases)
    func `a death counts against none of several runs whose code was under way`(_ adapter: Adapter) async throws {
        #expect(try await ends(adapter, running: 3, waiting: 1, closing: false) == [.diedInCompany])
    }
}
