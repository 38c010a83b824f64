internal import WorkflowCore
internal import WorkflowEngine

/// The queue of a store in memory: which runs wait, by what, and which hold places. It knows no owners and no clock.
struct MemoryQueue {
    private enum State: Equatable {
        /// It waits for its time.
        case early
        case waiting
        case begun
        case replaced(by: String)
    }

    private struct Entry {
        var ticket: QueueTicket
        var lane: Int64
        /// Its place among those that wait.
        var rank: QueueRank
        var enteredAt: Int64
        var state: State
    }

    private struct Debounced: Hashable {
        var workflow: String
        var key: ExactText
    }

    /// A run that waits for its time.
    private struct Early: Comparable {
        var time: Int64
        var rank: QueueRank

        static func < (left: Early, right: Early) -> Bool {
            left.time == right.time ? left.rank.number < right.rank.number : left.time < right.time
        }
    }

    private var entries: [String: Entry] = [:]
    private var lanes = MemoryLanes()
    /// By their times; some of it is out of date.
    private var early = MinHeap<Early>()
    /// Runs that are to be cancelled, oldest first.
    private var replaced: [QueueRank] = []
    /// Runs that have begun and are to be cancelled, with those that take their places.
    private var rivals: [String: String] = [:]
    /// By singleton, all runs that have not been replaced.
    private var singletons: [Int64: Set<String>] = [:]
    private var debounced: [Debounced: String] = [:]
    private var number = 0
    private var watch = ClockWatch()

    /// How many runs that are to be cancelled one look gives.
    private static let mostReplaced = 64

    /// Whether a run has a place in the queue, waiting or begun.
    func holds(_ run: String) -> Bool { entries[run] != nil }

    /// Whether a run waits.
    func isHeld(_ run: String) -> Bool { entries[run].map { $0.state != .begun } ?? false }

    // MARK: Coming and going

    /// Takes a run in; gives the run that a singleton has in its place, and takes nothing in then.
    mutating func enter(_ id: String, _ workflow: String, _ ticket: QueueTicket, at now: Int64) -> String? {
        if let share = ticket.share(.singleton), ticket.onConflict == .skip,
            let singleton = lanes.singleton(workflow, share.key),
            let other = singletons[singleton]?.compactMap({ entries[$0] }).filter({ !isDebounced($0, by: ticket) })
                .map(\.rank).min(by: { $0.number < $1.number })
        {
            return other.id
        }
        let lane = lanes.lane(workflow, ticket)
        lanes.enter(lane)
        if let singleton = lanes[lane]?.singleton, singleton != 0 {
            if ticket.onConflict == .cancelRunning {
                for other in singletons[singleton] ?? [] { replace(other, by: id) }
            }
            singletons[singleton, default: []].insert(id)
        }
        if let key = ticket.debounce {
            let place = Debounced(workflow: workflow, key: ExactText(key))
            if let other = debounced[place] { replace(other, by: id) }
            debounced[place] = id
        }
        number += 1
        let rank = QueueRank(priority: ticket.priority, number: number, id: id)
        let isEarly = ticket.readyAt > now
        entries[id] = Entry(
            ticket: ticket, lane: lane, rank: rank, enteredAt: max(now, ticket.readyAt),
            state: isEarly ? .early : .waiting)
        if isEarly { early.insert(Early(time: ticket.readyAt, rank: rank)) } else { lanes.join(lane, rank) }
        return nil
    }

    /// Whether a run of the same workflow that waits is replaced by one that comes with a ticket.
    private func isDebounced(_ entry: Entry, by ticket: QueueTicket) -> Bool {
        guard let key = ticket.debounce, entry.ticket.debounce.map(ExactText.init) == ExactText(key) else {
            return false
        }
        return entry.state == .early || entry.state == .waiting
    }

    /// Takes a run out, with the places that it holds; false if it had none.
    mutating func leave(_ id: String, at now: Int64) -> Bool {
        guard let entry = entries.removeValue(forKey: id) else { return false }
        switch entry.state {
        case .early, .waiting: stopWaiting(entry)
        case .begun:
            lanes.release(id, in: entry.lane)
            rivals[id] = nil
        case .replaced:
            let index = replacedIndex(entry.rank)
            if index < replaced.count, replaced[index].id == id { replaced.remove(at: index) }
        }
        leaveSingleton(entry)
        lanes.leave(entry.lane, at: now)
        return true
    }

    /// Gives the place of a run that has begun to another one; false if it had none.
    mutating func transfer(from id: String, to other: String) -> Bool {
        guard var entry = entries[id], entry.state == .begun else { return false }
        entries[id] = nil
        entry.rank.id = other
        entries[other] = entry
        rivals[other] = rivals.removeValue(forKey: id)
        lanes.transfer(from: id, to: other, in: entry.lane)
        if let singleton = lanes[entry.lane]?.singleton, singletons[singleton]?.remove(id) != nil {
            singletons[singleton]?.insert(other)
        }
        return true
    }

    private mutating func replace(_ id: String, by other: String) {
        guard let entry = entries[id], entry.state == .early || entry.state == .waiting else { return }
        stopWaiting(entry)
        leaveSingleton(entry)
        entries[id]?.state = .replaced(by: other)
        replaced.insert(entry.rank, at: replacedIndex(entry.rank))
    }

    /// Where a run stands among those that are to be cancelled, or would stand.
    private func replacedIndex(_ rank: QueueRank) -> Int {
        var (low, high) = (0, replaced.count)
        while low < high {
            let middle = low + (high - low) / 2
            if replaced[middle].number < rank.number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func stopWaiting(_ entry: Entry) {
        if entry.state == .waiting { lanes.stopWaiting(entry.lane, entry.rank) }
        forgetDebounced(entry)
    }

    private mutating func forgetDebounced(_ entry: Entry) {
        guard let key = entry.ticket.debounce, let workflow = lanes.workflow(of: entry.lane) else { return }
        let place = Debounced(workflow: workflow, key: ExactText(key))
        if debounced[place] == entry.rank.id { debounced[place] = nil }
    }

    private mutating func leaveSingleton(_ entry: Entry) {
        guard let singleton = lanes[entry.lane]?.singleton, singleton != 0 else { return }
        singletons[singleton]?.remove(entry.rank.id)
        if singletons[singleton]?.isEmpty == true { singletons[singleton] = nil }
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
        if watch.isSetBack(at: now) { lanes.setBack(to: now) }
        lanes.wake(at: now)
        wakeEarly(at: now)
        var admitted: [String] = []
        if let runs {
            let ranks = runs.compactMap { entries[$0] }.filter { $0.state == .waiting }.map(\.rank).sorted()
            for rank in ranks where admitted.count < limit {
                guard let entry = entries[rank.id], !isBehindDriven(entry, isDriven) else { continue }
                if lanes.obstacle(entry.ticket, in: entry.lane, at: now) != nil {
                    noteRival(of: entry)
                } else {
                    grant(entry, at: now)
                    admitted.append(rank.id)
                }
            }
        } else {
            while admitted.count < limit, let rank = lanes.next(), let entry = entries[rank.id],
                let lane = lanes[entry.lane]
            {
                let obstacle = lanes.obstacle(entry.ticket, in: entry.lane, at: now)
                if obstacle != nil { noteRival(of: entry) }
                switch obstacle {
                case .concurrency: lanes.meet(.group(lane.concurrency), in: lane)
                case .singleton: lanes.meet(.group(lane.singleton), in: lane)
                case .rate(_, _, _, let until): lanes.meet(.rate(until: until), in: lane)
                case nil, .time, .replaced, .turn:
                    grant(entry, at: now)
                    admitted.append(rank.id)
                }
            }
        }
        if let time = lanes.nextAlarm { pass.awaits(time) }
        if let time = early.first?.time { pass.awaits(time) }
        pass.isMore = admitted.count == limit
        pass.replaced += rivals.prefix(Self.mostReplaced).map { (run: $0.key, by: $0.value) }
        for rank in replaced.prefix(Self.mostReplaced) {
            if case .replaced(let other) = entries[rank.id]?.state { pass.replaced.append((rank.id, other)) }
        }
        return admitted
    }

    /// Moves runs whose time has come to those that wait for their limits.
    private mutating func wakeEarly(at now: Int64) {
        while let next = early.first {
            let isGone = entries[next.rank.id].map { $0.state != .early || $0.rank != next.rank } ?? true
            guard isGone || next.time <= now else { return }
            early.removeFirst()
            guard !isGone, let lane = entries[next.rank.id]?.lane else { continue }
            entries[next.rank.id]?.state = .waiting
            lanes.join(lane, next.rank)
        }
    }

    private func isBehindDriven(_ entry: Entry, _ isDriven: (String) -> Bool) -> Bool {
        lanes.line(entry.lane)?.before(entry.rank, atMost: QueuePlace.mostCounted).contains { isDriven($0.id) } == true
    }

    /// A run that may not begin yet has that cancelled in place of which it is to run, whatever else keeps it waiting.
    private mutating func noteRival(of entry: Entry) {
        guard entry.ticket.onConflict == .cancelRunning, let run = lanes.rival(in: entry.lane) else { return }
        rivals[run] = entry.rank.id
    }

    private mutating func grant(_ entry: Entry, at now: Int64) {
        forgetDebounced(entry)
        entries[entry.rank.id]?.state = .begun
        lanes.grant(entry.rank.id, entry.rank, entry.ticket, in: entry.lane, at: now)
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
            let before = lanes.line(entry.lane)?.count(before: entry.rank, atMost: QueuePlace.mostCounted) ?? 0
            // One that its own limits would let begin waits for what the first of its line waits for.
            let first = lanes.line(entry.lane)?.first.flatMap { entries[$0.id]?.ticket }
            let reason =
                lanes.obstacle(entry.ticket, in: entry.lane, at: now)
                ?? first.flatMap { lanes.obstacle($0, in: entry.lane, at: now) } ?? .turn
            return QueuePlace(priority: priority, position: before + 1, reason: reason)
        }
    }

    /// The limits of a run that waits which are full with runs that wait for others.
    func holdup(of id: String, madeAt time: Int64, waits: (_ run: String) -> Bool) -> QueueHoldup? {
        guard let entry = entries[id], entry.state == .early || entry.state == .waiting,
            let workflow = lanes.workflow(of: entry.lane)
        else { return nil }
        let limits = entry.ticket.shares.compactMap { share -> QueueHoldup.Limit? in
            let holders = lanes.holders(share.kind, in: entry.lane).filter(waits)
            guard share.kind != .rate, holders.count >= share.limit else { return nil }
            return QueueHoldup.Limit(
                share.kind, key: share.key, limit: share.limit,
                holders: Set(holders.map { RunChain.split($0).base }))
        }
        return limits.isEmpty ? nil : QueueHoldup(workflow: workflow, createdAt: time, limits: limits)
    }

    var figures: QueueFigures {
        var figures = QueueFigures(lengths: lanes.lengths)
        for entry in entries.values {
            if entry.state == .early { figures.lengths[.time, default: 0] += 1 }
            if entry.state == .waiting { figures.oldest = min(figures.oldest ?? .max, entry.enteredAt) }
        }
        return figures
    }
}
