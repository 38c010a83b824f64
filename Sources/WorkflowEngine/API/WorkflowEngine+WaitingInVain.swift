internal import FlatValue
internal import WorkflowCore

/// Queued runs that never begin, since those that hold their places wait for them.
extension WorkflowEngine {
    /// The limit for which a queued run waits in vain, where it is the one to be given up; see ``WaitGraph``.
    ///
    /// What runs of other processes wait for is not known here: a run of theirs counts as one that may go on. Costs no read where
    /// too few runs of the workflow wait for others to hold all places.
    func waitsInVain(
        _ id: String, _ journal: any RunStore
    ) async throws -> (place: WaitGraph.Place, limit: Int)? {
        let waiters = family.waiters
        let id = RunChain.split(id).base
        var (graph, seen, rest) = (WaitGraph(), Set<String>(), [id])
        while let run = rest.popLast() {
            guard seen.insert(run).inserted else { continue }
            if let waiter = waiters[run] {
                graph.wait(run, for: Array(waiter.runs.keys))
                rest += waiter.runs.keys
                continue
            }
            guard let header = try await journal.header(of: run), header.isHeld else { continue }
            let peers = waiters.filter { $0.value.workflow == header.workflow }.keys
            var wanted: [(place: WaitGraph.Place, limit: Int)] = []
            if !peers.isEmpty {
                for share in try await shares(of: run, journal) where peers.count >= share.limit {
                    let place = WaitGraph.Place(workflow: header.workflow, kind: share.kind, key: share.key)
                    var holders: [String] = []
                    for peer in peers {
                        let held = try await shares(of: peer, journal)
                        if held.contains(where: share.isOfSameGroup) { holders.append(peer) }
                    }
                    guard holders.count >= share.limit else { continue }
                    wanted.append((place, share.limit))
                    graph.hold(place, by: holders)
                    rest += holders
                }
            }
            graph.queue(run, madeAt: header.createdAt, for: wanted)
            if run == id, wanted.isEmpty { return nil }
        }
        return graph.refused(id)
    }

    /// What a run holds, or waits for, until it is over. A run that goes on in the place of another one has that one's.
    private func shares(of id: String, _ journal: any RunStore) async throws -> [QueueTicket.Share] {
        try await family.shares(of: id) {
            guard let ticket = try await journal.load(id)?.payloads(of: [.queued]).last else { return [] }
            return QueueTicket(recorded: ticket).shares.filter { $0.kind != .rate }
        }
    }
}

extension QueueTicket.Share {
    fileprivate func isOfSameGroup(_ other: QueueTicket.Share) -> Bool { kind == other.kind && key == other.key }
}
