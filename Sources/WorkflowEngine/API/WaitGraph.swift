/// Which runs wait for which, and which of them for places that others hold: where it comes round, none of it ends by itself.
///
/// A run that waits for others holds its places meanwhile. A queued run waits in vain where as many runs hold places of one of its
/// limits as the limit allows, and each of those waits in turn for a run that waits in vain, or that waits for such a one itself.
/// Runs are known by the first id of their chain.
struct WaitGraph {
    /// What a limit counts.
    struct Place: Hashable {
        var workflow: String
        var kind: QueueTicket.Share.Kind
        var key: String
    }

    /// A run that has not begun, and that others wait for.
    private struct Queued {
        var id: String
        /// In microseconds since 1970.
        var madeAt: Int64
        var wanted: [(place: Place, limit: Int)]
    }

    private var queued: [String: Queued] = [:]
    /// The runs that each run waits for.
    private var waits: [String: [String]] = [:]
    /// The runs of ``waits`` that hold a place.
    private var holders: [Place: [String]] = [:]

    /// Adds a run that waits in the queue.
    mutating func queue(_ id: String, madeAt: Int64, for wanted: [(place: Place, limit: Int)]) {
        queued[id] = Queued(id: id, madeAt: madeAt, wanted: wanted)
    }

    /// Adds a run that is under way, and waits for others.
    mutating func wait(_ id: String, for runs: [String]) { waits[id] = runs }

    /// Says which of the runs that wait for others hold a place.
    mutating func hold(_ place: Place, by runs: [String]) { holders[place] = runs }

    /// The place for which a queued run is to be refused: of the queued runs that wait for each other it is the newest one, so that
    /// the others go on. Nil for every other run.
    func refused(_ id: String) -> (place: Place, limit: Int)? {
        let stuck = stuck
        guard let run = queued[id], let taken = taken(run, stuck).first else { return nil }
        let reached = reached(from: id, stuck)
        guard reached.contains(id) else { return nil }
        let isNewest = reached.allSatisfy { other in
            guard other != id, let other = queued[other] else { return true }
            if (other.madeAt, other.id) < (run.madeAt, run.id) { return true }
            return !self.reached(from: other.id, stuck).contains(id)
        }
        return isNewest ? taken : nil
    }

    /// All runs that end or begin only after others of them: what is left when those are taken out that may go on.
    private var stuck: Set<String> {
        var stuck = Set(queued.keys).union(waits.keys)
        var count = 0
        repeat {
            count = stuck.count
            stuck = stuck.filter { id in
                if let runs = waits[id] { return runs.contains(where: stuck.contains) }
                return queued[id].map { !taken($0, stuck).isEmpty } ?? false
            }
        } while stuck.count < count
        return stuck
    }

    /// The places that a queued run wants and that runs hold which do not end, as many as there are.
    private func taken(_ run: Queued, _ stuck: Set<String>) -> [(place: Place, limit: Int)] {
        run.wanted.filter { wanted in
            (holders[wanted.place] ?? []).count(where: stuck.contains) >= wanted.limit
        }
    }

    /// The runs that have to end or begin before a run, itself only where it comes round.
    private func reached(from id: String, _ stuck: Set<String>) -> Set<String> {
        var (reached, rest) = (Set<String>(), [id])
        while let next = rest.popLast() {
            let runs =
                waits[next] ?? queued[next].map { run in taken(run, stuck).flatMap { holders[$0.place] ?? [] } } ?? []
            for run in runs where stuck.contains(run) && reached.insert(run).inserted { rest.append(run) }
        }
        return reached
    }
}
