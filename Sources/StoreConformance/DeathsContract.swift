internal import WorkflowCore
internal import WorkflowEngine

/// Every journal tells how the owner of a run ended.
extension StoreContract {
    static let deaths: [StoreCheck] = [
        StoreCheck("a run that was let go has no death behind it") { backend in
            try expect(try await ends(backend, running: 2, waiting: 1, closing: true) == [.released])
        },
        StoreCheck("a death counts against a run whose code was under way alone") { backend in
            try expect(try await ends(backend, running: 1, waiting: 0, closing: false) == [.diedAlone])
        },
        StoreCheck("a death counts against none of several runs whose code was under way") { backend in
            try expect(try await ends(backend, running: 3, waiting: 1, closing: false) == [.diedInCompany])
        },
    ]

    /// How the owner of some runs ended, for whoever claims them after its lease.
    private static func ends(_ backend: any StoreBackend, running: Int, waiting: Int, closing: Bool) async throws
        -> Set<OwnerEnd>
    {
        let (first, second) = (try await backend.open(), try await backend.open())
        let ids = (0..<running + waiting).map { "r\($0)" }
        for (number, id) in ids.enumerated() {
            await TestRun(id).write(to: first, status: number < running ? .running : .waiting)
        }
        if closing { await first.close() } else { try await backend.loseOwner(of: first) }
        try await backend.skip(StoreContract.lease + 1)
        var ends: Set<OwnerEnd> = []
        for claim in try await second.claim(ids) {
            if case .claimed(let run) = try claim.get() { ends.insert(run.journaled.ownerEnd) }
        }
        await second.close()
        return ends
    }
}
