internal import FlatValue
internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

/// The queue of a store in memory: which runs wait, by what, and which hold places. It knows no owners and no clock.
struct MemoryQueue {
    /// Runs that share a limit.
    private struct Group: Hashable {
        var kind: QueueTicket.Share.Kind
        var workflow: String
        var key: String
    }

    /// Runs that share all of their limits, so that one that may not begin keeps those behind it waiting too.
    private struct Lane: Hashable { var groups: [Group?] }

    private struct Debounced: Hashable {
        var lane: Lane
        var key: String
    }

    private enum State: Equatable {
        /// It waits for its time.
        case early
        case waiting
        case begun
        case replaced(by: String)
    }

    private struct Entry {
        var workflow: String
        var ticket: QueueTicket
        var lane: Lane
        /// Its place among those that wait.
        var rank: QueueRank
        var enteredAt: Int64
        var state: State
    }

    private var entries: [String: Entry] = [:]
    private var lanes: [Lane: WaitingLine] = [:]
    /// Lanes whose first run is to be looked at; of the others something has to change first.
    private var open: Set<Lane> = []
    /// Lanes whose first run waits until a group has room.
    private var blocked: [Group: Set<Lane>] = [:]
    /// Lanes whose first run waits for a rate, and until when.
    private var resting: [Group: (until: Int64, lanes: Set<Lane>)] = [:]
    private var early: Set<String> = []
    private var replaced: Set<String> = []
    private var begun: [Group: Set<String>] = [:]
    /// All runs of a singleton that have not been replaced.
    private var singletons: [Group: Set<String>] = [:]
    private var debounced: [Debounced: String] = [:]
    /// The newest times at which runs of a rate began, as many as its limit.
    private var starts: [Group: [Int64]] = [:]
    private var number = 0

    /// Whether a run has a place in the queue, waiting or begun.
    func holds(_ run: String) -> Bool { entries[run] != nil }

    /// Whether a run waits.
    func isHeld(_ run: String) -> Bool { entries[run].map { $0.state != .begun } ?? false }

    // MARK: Coming and going

    /// Takes a run in; gives the run that a singleton has in its place, and takes nothing in then.
    mutating func enter(_ id: String, _ workflow: String, _ ticket: QueueTicket, at now: Int64) -> String? {
        let groups = QueueTicket.Share.Kind.allCases.map { kind in
            ticket.share(kind).map { Group(kind: kind, workflow: workflow, key: $0.key) }
        }
        // Runs without any limit are of one lane for each workflow.
        let lane = Lane(groups: groups + [Group(kind: .rate, workflow: workflow, key: "")])
        if let group = groups[Int(QueueTicket.Share.Kind.singleton.rawValue)] {
            let others = singletons[group] ?? []
            switch ticket.onConflict {
            case .skip: if let other = others.min() { return other }
            case .cancelRunning: for other in others where entries[other]?.state != .begun { replace(other, by: id) }
            case .queue: break
            }
            singletons[group, default: []].insert(id)
        }
        if let key = ticket.debounce {
            let place = Debounced(lane: lane, key: key)
            if let other = debounced[place] { replace(other, by: id) }
            debounced[place] = id
        }
        number += 1
        let rank = QueueRank(priority: ticket.priority, number: number, id: id)
        let isEarly = ticket.readyAt > now
        entries[id] = Entry(
            workflow: workflow, ticket: ticket, lane: lane, rank: rank, enteredAt: max(now, ticket.readyAt),
            state: isEarly ? .early : .waiting)
        if isEarly { early.insert(id) } else { insert(rank, into: lane) }
        return nil
    }

    /// Takes a run out, with the places that it holds; false if it had none.
    mutating func leave(_ id: String) -> Bool {
        guard let entry = entries.removeValue(forKey: id) else { return false }
        stopWaiting(id, entry)
        replaced.remove(id)
        for group in entry.lane.groups.compactMap({ $0 }) {
            if begun[group]?.remove(id) != nil { reopen(group) }
            if begun[group]?.isEmpty == true { begun[group] = nil }
            singletons[group]?.remove(id)
            if singletons[group]?.isEmpty == true { singletons[group] = nil }
        }
        return true
    }

    /// Gives the place of a run that has begun to another one; false if it had none.
    mutating func transfer(from id: String, to other: String) -> Bool {
        guard var entry = entries[id], entry.state == .begun else { return false }
        entries[id] = nil
        entry.rank = QueueRank(priority: entry.rank.priority, number: entry.rank.number, id: other)
        entries[other] = entry
        for group in entry.lane.groups.compactMap({ $0 }) {
            if begun[group]?.remove(id) != nil { begun[group]?.insert(other) }
            if singletons[group]?.remove(id) != nil { singletons[group]?.insert(other) }
        }
        return true
    }

    private mutating func replace(_ id: String, by other: String) {
        guard let entry = entries[id], entry.state == .early || entry.state == .waiting else { return }
        stopWaiting(id, entry)
        entries[id]?.state = .replaced(by: other)
        replaced.insert(id)
        for group in entry.lane.groups.compactMap({ $0 }) { singletons[group]?.remove(id) }
    }

    private mutating func stopWaiting(_ id: String, _ entry: Entry) {
        early.remove(id)
        if entry.state == .waiting { remove(entry.rank, from: entry.lane) }
        guard let key = entry.ticket.debounce else { return }
        let place = Debounced(lane: entry.lane, key: key)
        if debounced[place] == id { debounced[place] = nil }
    }

    private mutating func insert(_ rank: QueueRank, into lane: Lane) {
        lanes[lane, default: WaitingLine()].insert(rank)
        if lanes[lane]?.first == rank { open.insert(lane) }
    }

    private mutating func remove(_ rank: QueueRank, from lane: Lane) {
        let wasFirst = lanes[lane]?.first == rank
        lanes[lane]?.remove(rank)
        if lanes[lane]?.isEmpty == true {
            lanes[lane] = nil
            open.remove(lane)
        } else if wasFirst {
            open.insert(lane)
        }
    }

    /// Has the lanes be looked at that wait for room in a group.
    private mutating func reopen(_ group: Group) {
        guard let waiting = blocked.removeValue(forKey: group) else { return }
        open.formUnion(waiting)
    }

    // MARK: Beginning

    /// Lets runs begin, in order; their ids.
    ///
    /// - Parameters:
    ///   - runs: those that may; nil for all.
    ///   - isDriven: whether somebody drives a run, which is asked of those before one of `runs`.
    mutating func admit(
        _ runs: [String]?, limit: Int, at now: Int64, _ pass: inout QueuePass, isDriven: (String) -> Bool
    ) -> [String] {
        for id in early {
            guard let entry = entries[id] else { continue }
            if entry.ticket.readyAt > now {
                pass.awaits(entry.ticket.readyAt)
            } else {
                early.remove(id)
                entries[id]?.state = .waiting
                insert(entry.rank, into: entry.lane)
            }
        }
        var admitted: [String] = []
        if let runs {
            let ranks = runs.compactMap { entries[$0] }.filter { $0.state == .waiting }.map(\.rank).sorted()
            for rank in ranks where admitted.count < limit {
                guard let entry = entries[rank.id], !isBehindDriven(entry, isDriven) else { continue }
                if begin(entry, at: now, &pass) { admitted.append(rank.id) }
            }
        } else {
            for (group, rest) in resting where rest.until <= now {
                open.formUnion(rest.lanes)
                resting[group] = nil
            }
            // What is blocked is not looked at again before that changes; the others go on with their next one.
            var heads = open.compactMap { lanes[$0]?.first }.sorted(by: >)
            open.formIntersection(lanes.keys)
            while admitted.count < limit, let head = heads.popLast() {
                guard let entry = entries[head.id] else { continue }
                guard begin(entry, at: now, &pass) else {
                    open.remove(entry.lane)
                    continue
                }
                admitted.append(head.id)
                guard let next = lanes[entry.lane]?.first else { continue }
                heads.insert(next, at: heads.firstIndex { $0 < next } ?? heads.endIndex)
            }
        }
        for rest in resting.values { pass.awaits(rest.until) }
        pass.isMore = admitted.count == limit
        for id in replaced.sorted() {
            if case .replaced(let other) = entries[id]?.state { pass.replaced.append((id, other)) }
        }
        return admitted
    }

    private func isBehindDriven(_ entry: Entry, _ isDriven: (String) -> Bool) -> Bool {
        lanes[entry.lane]?.before(entry.rank, atMost: QueuePlace.mostCounted).contains { isDriven($0.id) } == true
    }

    private mutating func begin(_ entry: Entry, at now: Int64, _ pass: inout QueuePass) -> Bool {
        func group(_ kind: QueueTicket.Share.Kind) -> Group? { entry.lane.groups[Int(kind.rawValue)] }
        switch obstacle(entry, at: now) {
        case .turn: break
        case .rate(_, _, _, let until):
            if let group = group(.rate) {
                resting[group, default: (until, [])].lanes.insert(entry.lane)
                if until < resting[group]?.until ?? until { resting[group]?.until = until }
            }
            return false
        case .singleton(_, let run):
            if let group = group(.singleton) { blocked[group, default: []].insert(entry.lane) }
            if entry.ticket.onConflict == .cancelRunning { pass.replaced.append((run, entry.rank.id)) }
            return false
        case .concurrency:
            if let group = group(.concurrency) { blocked[group, default: []].insert(entry.lane) }
            return false
        case .time, .replaced: return false
        }
        remove(entry.rank, from: entry.lane)
        stopWaiting(entry.rank.id, entry)
        entries[entry.rank.id]?.state = .begun
        for case let group? in entry.lane.groups.prefix(3) {
            guard group.kind == .rate else {
                begun[group, default: []].insert(entry.rank.id)
                continue
            }
            let limit = entry.ticket.share(.rate)?.limit ?? 1
            starts[group] = ((starts[group] ?? []) + [now]).suffix(limit)
        }
        return true
    }

    /// What keeps a run that is ready from beginning.
    private func obstacle(_ entry: Entry, at now: Int64) -> QueuePlace.Reason {
        for share in entry.ticket.shares {
            let group = Group(kind: share.kind, workflow: entry.workflow, key: share.key)
            switch share.kind {
            case .concurrency:
                let count = begun[group]?.count ?? 0
                if count >= share.limit { return .concurrency(key: share.key, running: count, limit: share.limit) }
            case .singleton:
                if let run = begun[group]?.first { return .singleton(key: share.key, run: run) }
            case .rate:
                let times = starts[group] ?? []
                guard times.count >= share.limit, let first = times.suffix(share.limit).first else { continue }
                let until = first + share.period
                if until > now {
                    return .rate(key: share.key, limit: share.limit, period: share.period, until: until)
                }
            }
        }
        return .turn
    }

    // MARK: Looking

    func place(of id: String, at now: Int64) -> QueuePlace? {
        guard let entry = entries[id] else { return nil }
        let priority = entry.ticket.priority
        switch entry.state {
        case .begun: return nil
        case .early: return QueuePlace(priority: priority, position: 0, reason: .time(entry.ticket.readyAt))
        case .replaced(let other): return QueuePlace(priority: priority, position: 0, reason: .replaced(by: other))
        case .waiting:
            let before = lanes[entry.lane]?.count(before: entry.rank, atMost: QueuePlace.mostCounted) ?? 0
            return QueuePlace(priority: priority, position: before + 1, reason: obstacle(entry, at: now))
        }
    }

    var figures: (waiting: Int, oldest: Int64?) {
        let waiting = lanes.values.reduce(0) { $0 + $1.count }
        return (waiting, entries.values.lazy.filter { $0.state == .waiting }.map(\.enteredAt).min())
    }
}

extension MemoryJournal {
    package var keepsQueue: Bool { true }

    package func admit(_ scope: QueueScope, limit: Int) async throws(JournalError) -> QueuePass {
        if isClosed.load(ordering: .acquiring) { throw Self.closed }
        let now = clock.now()
        let (pass, posted) = write { contents, own in contents.admit(scope, limit: limit, as: own, at: now) }
        for (deliver, message) in posted { deliver([message]) }
        return pass
    }

    package func places(of runs: [String]) async throws(JournalError) -> [String: QueuePlace] {
        let now = clock.now()
        return try read { contents, _ in
            var places: [String: QueuePlace] = [:]
            for run in runs { places[run] = contents.queue.place(of: run, at: now) }
            return places
        }
    }

    package func queueFigures() async throws(JournalError) -> (waiting: Int, oldest: Int64?) {
        try read { contents, _ in contents.queue.figures }
    }
}

extension MemoryStore.Contents {
    typealias Posted = (deliver: @Sendable ([InboxMessage]) -> Void, message: InboxMessage)

    fileprivate mutating func admit(
        _ scope: QueueScope, limit: Int, as own: Int64, at now: Int64
    ) -> (QueuePass, [Posted]) {
        var pass = QueuePass()
        var runs: [String]?
        if case .runs(let ids) = scope { runs = ids }
        var queue = MemoryQueue()
        swap(&queue, &self.queue)
        let ids = queue.admit(runs, limit: limit, at: now, &pass) { id in
            self.runs[id].map { header(of: $0, for: own, at: now).owner != nil } ?? false
        }
        swap(&queue, &self.queue)
        var posted: [Posted] = []
        for id in ids {
            lastMessage += 1
            let content = InboxMessage.Content(kind: .begin, target: "", payload: .null)
            let message = InboxMessage(number: lastMessage, run: id, content: content, postedAt: now)
            messages.append((message, nil))
            switch claim(id, as: own, at: now) {
            case .owned:
                pass.told += 1
                if let deliver = self.runs[id]?.owner.flatMap({ watchers[$0] }) { posted.append((deliver, message)) }
            case .claimed(let run, let stored, let messages):
                pass.claims.append((id, .success(.claimed(run, stored, messages))))
            case .over, .missing: leaveQueue(id)
            }
        }
        return (pass, posted)
    }
}
