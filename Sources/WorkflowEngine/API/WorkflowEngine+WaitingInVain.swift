internal import WorkflowCore

/// Queued runs that never begin, since those that hold their places wait for them.
extension WorkflowEngine {
    /// The limit for which a queued run waits in vain, where it is the one to be given up; see ``WaitGraph``.
    ///
    /// Goes by what the processes of the store have noted of their runs' waits, so that a circle may be found a moment late. It is
    /// never one that is not there: each wait is read before the run that it is for, and who is found to wait for others that do not
    /// go on has gone on waiting meanwhile. One read where its limits have room or too few runs that hold their places wait, and two
    /// more for each link of the longest chain of waits.
    func waitsInVain(
        _ id: String, _ journal: any RunStore
    ) async throws -> (place: WaitGraph.Place, limit: Int)? {
        let id = RunChain.split(id).base
        var (graph, seen, next) = (WaitGraph(), Set([id]), [String]())
        func look(_ holdups: [String: QueueHoldup]) {
            for (run, holdup) in holdups {
                let wanted = holdup.limits.map { limit in
                    let place = WaitGraph.Place(workflow: holdup.workflow, kind: limit.kind, key: limit.key)
                    graph.hold(place, by: Array(limit.holders))
                    next += limit.holders
                    return (place, limit.limit)
                }
                graph.queue(run, madeAt: holdup.createdAt, for: wanted)
            }
        }
        look(try await journal.holdups(of: [id]))
        while !next.isEmpty {
            let runs = Set(next).subtracting(seen)
            if runs.isEmpty { break }
            seen.formUnion(runs)
            next = []
            let awaited = try await journal.awaited(by: runs.sorted())
            for (run, others) in awaited {
                graph.wait(run, for: Array(others))
                next += others
            }
            // Who waits for others is under way.
            let rest = runs.subtracting(awaited.keys)
            if !rest.isEmpty { look(try await journal.holdups(of: rest.sorted())) }
        }
        return graph.refused(id)
    }
}
