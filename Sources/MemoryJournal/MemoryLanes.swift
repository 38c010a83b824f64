internal import WorkflowEngine

/// The lanes of the queue in memory, the groups that they share, and what the runs of each group hold.
struct MemoryLanes {
    private struct Key: Hashable {
        var workflow: String
        var concurrency: Int64
        var rate: Int64
        var singleton: Int64
    }

    private struct GroupKey: Hashable {
        var kind: QueueTicket.Share.Kind
        var workflow: String
        var key: ExactText
    }

    private struct Group {
        var key: GroupKey
        /// How many lanes share it.
        var lanes = 0
        /// The runs that have begun and are not over; none of a rate.
        var begun: Set<String> = []
        /// The newest times at which runs of a rate began, oldest first, as many as its limit.
        var starts: ArraySlice<Int64> = []
        /// From this time on the starts of a rate count no more.
        var idleAt: Int64 = 0

        mutating func note(start now: Int64, of share: QueueTicket.Share) {
            starts.append(now)
            if starts.count > share.limit { starts.removeFirst(starts.count - max(share.limit, 1)) }
            let (end, overflows) = now.addingReportingOverflow(share.period)
            idleAt = max(idleAt, overflows ? .max : end)
        }
    }

    private struct Lane {
        var lane: QueueLane
        var key: Key
        var line = WaitingLine()
        /// How many runs have a place in it, waiting or begun.
        var runs = 0
        var state = State.empty
    }

    private enum State: Equatable {
        /// It is to be looked at.
        case open
        case waitsFor(Int64)
        case waitsUntil(Int64)
        case empty
    }

    private struct Alarm: Comparable {
        var time: Int64
        var lane: Int64

        static func < (left: Alarm, right: Alarm) -> Bool { left.time < right.time }
    }

    private var lanes: [Int64: Lane] = [:]
    private var groups: [Int64: Group] = [:]
    private var laneNumbers: [Key: Int64] = [:]
    private var groupNumbers: [GroupKey: Int64] = [:]
    private var lastNumber: Int64 = 0
    /// Lanes by what they wait for, 0 for those that are open. Some of it is out of date: ``isCurrent(_:_:)``.
    private var order: [Int64: MinHeap<QueueLane.Head>] = [:]
    /// By rate, the lane that waits for the time.
    private var leaders: [Int64: Int64] = [:]
    /// The times of those; some of it is out of date.
    private var alarms = MinHeap<Alarm>()
    /// At so many groups those are looked for that nobody uses.
    private var mostGroups = 64

    // MARK: Lanes and groups

    /// The lane of a ticket, made if there is none.
    mutating func lane(_ workflow: String, _ ticket: QueueTicket) -> Int64 {
        func number(_ kind: QueueTicket.Share.Kind) -> Int64 {
            guard let share = ticket.share(kind) else { return 0 }
            let key = GroupKey(kind: kind, workflow: workflow, key: ExactText(share.key))
            if let number = groupNumbers[key] { return number }
            lastNumber += 1
            groupNumbers[key] = lastNumber
            groups[lastNumber] = Group(key: key)
            return lastNumber
        }
        let key = Key(
            workflow: workflow, concurrency: number(.concurrency), rate: number(.rate), singleton: number(.singleton))
        if let number = laneNumbers[key] { return number }
        lastNumber += 1
        laneNumbers[key] = lastNumber
        let lane = QueueLane(
            lastNumber, concurrency: key.concurrency, rate: key.rate, singleton: key.singleton)
        lanes[lastNumber] = Lane(lane: lane, key: key)
        for group in [key.concurrency, key.rate, key.singleton] { groups[group]?.lanes += 1 }
        return lastNumber
    }

    /// The number of a singleton that is known.
    func singleton(_ workflow: String, _ key: String) -> Int64? {
        groupNumbers[GroupKey(kind: .singleton, workflow: workflow, key: ExactText(key))]
    }

    subscript(number: Int64) -> QueueLane? { lanes[number]?.lane }

    func line(_ number: Int64) -> WaitingLine? { lanes[number]?.line }

    /// The workflow whose runs share a lane.
    func workflow(of number: Int64) -> String? { lanes[number]?.key.workflow }

    /// A run has a place in a lane from now on.
    mutating func enter(_ number: Int64) { lanes[number]?.runs += 1 }

    /// A run has no place in a lane any more.
    mutating func leave(_ number: Int64, at now: Int64) {
        lanes[number]?.runs -= 1
        guard let lane = lanes[number], lane.runs <= 0 else { return }
        lanes[number] = nil
        laneNumbers[lane.key] = nil
        for group in [lane.key.concurrency, lane.key.rate, lane.key.singleton] where group != 0 {
            groups[group]?.lanes -= 1
            forget(group, at: now)
        }
        if groups.count >= mostGroups {
            for group in groups.keys { forget(group, at: now) }
            mostGroups = max(2 * groups.count, 64)
        }
    }

    /// Removes a group that nobody uses; the starts of a rate count for a period.
    private mutating func forget(_ number: Int64, at now: Int64) {
        guard let group = groups[number], group.lanes == 0, group.starts.isEmpty || group.idleAt <= now else { return }
        groups[number] = nil
        groupNumbers[group.key] = nil
        order[number] = nil
    }

    // MARK: Waiting

    /// A run begins to wait in a lane.
    mutating func join(_ number: Int64, _ rank: QueueRank) {
        lanes[number]?.line.insert(rank)
        if lanes[number]?.line.first == rank { set(number, .open) }
    }

    /// A run waits no more. The lane is looked at if it was the first.
    mutating func stopWaiting(_ number: Int64, _ rank: QueueRank) {
        guard let lane = lanes[number]?.lane else { return }
        let wasFirst = lanes[number]?.line.first == rank
        lanes[number]?.line.remove(rank)
        if lanes[number]?.line.isEmpty != false {
            set(number, .empty)
            empty(lane)
        } else if wasFirst {
            set(number, .open)
        }
    }

    private mutating func set(_ number: Int64, _ state: State) {
        guard let rate = lanes[number]?.lane.rate else { return }
        lanes[number]?.state = state
        if leaders[rate] == number { leaders[rate] = nil }
        switch state {
        case .open: put(number, waitingFor: 0)
        case .waitsFor(let group): put(number, waitingFor: group)
        case .waitsUntil(let time):
            leaders[rate] = number
            alarms.insert(Alarm(time: time, lane: number))
        case .empty: break
        }
    }

    private mutating func put(_ number: Int64, waitingFor group: Int64) {
        guard let head = head(number) else { return }
        order[group, default: MinHeap()].insert(head)
        if let count = order[group]?.count, count > 2 * lanes.count + 64 {
            var heap = order.removeValue(forKey: group) ?? MinHeap()
            heap.removeAll { !isCurrent($0, group) }
            order[group] = heap
        }
    }

    private func head(_ number: Int64) -> QueueLane.Head? {
        lanes[number]?.line.first.map {
            QueueLane.Head(priority: $0.priority, number: Int64($0.number), lane: number)
        }
    }

    /// Whether a lane still waits for a group, with the same run as its first.
    private func isCurrent(_ head: QueueLane.Head, _ group: Int64) -> Bool {
        lanes[head.lane]?.state == (group == 0 ? .open : .waitsFor(group)) && self.head(head.lane) == head
    }

    /// Takes the first lane out of those that wait for a group.
    private mutating func takeFirst(waitingFor group: Int64) -> Int64? {
        while let head = order[group]?.removeFirst() {
            if isCurrent(head, group) { return head.lane }
        }
        order[group] = nil
        return nil
    }

    // MARK: Beginning

    /// The first run of the lanes that are to be looked at; its lane has to change before the next call.
    mutating func next() -> QueueRank? {
        while let head = order[0]?.first {
            if isCurrent(head, 0) { return lanes[head.lane]?.line.first }
            order[0]?.removeFirst()
        }
        return nil
    }

    /// Opens the lanes whose time has come.
    mutating func wake(at now: Int64) {
        while let alarm = alarms.first, alarm.time <= now || lanes[alarm.lane]?.state != .waitsUntil(alarm.time) {
            alarms.removeFirst()
            if lanes[alarm.lane]?.state == .waitsUntil(alarm.time) { set(alarm.lane, .open) }
        }
    }

    /// When the next lane's time comes; the lanes have been woken before.
    var nextAlarm: Int64? { alarms.first?.time }

    /// The clock was set back: what lies ahead of it has happened by now.
    mutating func setBack(to now: Int64) {
        for (number, group) in groups where group.starts.last ?? 0 > now + ClockWatch.tolerance {
            groups[number]?.starts = ArraySlice(group.starts.map { min($0, now) })
        }
        for lane in leaders.values { set(lane, .open) }
    }

    /// What keeps a run that is ready from beginning; nil for nothing.
    func obstacle(_ ticket: QueueTicket, in number: Int64, at now: Int64) -> QueuePlace.Reason? {
        guard let lane = lanes[number]?.lane else { return nil }
        if let share = ticket.share(.concurrency), let count = groups[lane.concurrency]?.begun.count,
            count >= share.limit
        {
            return .concurrency(key: share.key, running: count, limit: share.limit)
        }
        if let share = ticket.share(.singleton), let run = rival(in: number) {
            return .singleton(key: share.key, run: run)
        }
        guard let share = ticket.share(.rate), let starts = groups[lane.rate]?.starts, starts.count >= share.limit
        else { return nil }
        let (until, overflows) = starts[starts.endIndex - share.limit].addingReportingOverflow(share.period)
        if overflows || until <= now { return nil }
        return .rate(key: share.key, limit: share.limit, period: share.period, until: until)
    }

    /// The run that the singleton of a lane has under way.
    func rival(in number: Int64) -> String? {
        guard let singleton = lanes[number]?.lane.singleton, singleton != 0 else { return nil }
        return groups[singleton]?.begun.first
    }

    /// The runs that hold a place of the group that a lane has of a kind.
    func holders(_ kind: QueueTicket.Share.Kind, in number: Int64) -> Set<String> {
        guard let lane = lanes[number]?.lane else { return [] }
        switch kind {
        case .concurrency: return groups[lane.concurrency]?.begun ?? []
        case .singleton: return groups[lane.singleton]?.begun ?? []
        case .rate: return []
        }
    }

    /// Gives a run its places.
    mutating func grant(_ id: String, _ rank: QueueRank, _ ticket: QueueTicket, in number: Int64, at now: Int64) {
        guard let lane = lanes[number]?.lane else { return }
        stopWaiting(number, rank)
        for group in [lane.concurrency, lane.singleton] { groups[group]?.begun.insert(id) }
        if let share = ticket.share(.rate) { groups[lane.rate]?.note(start: now, of: share) }
        let hasRoom = groups[lane.concurrency]?.begun.count ?? 0 < ticket.share(.concurrency)?.limit ?? 0
        begin(in: lane, hasRoom: hasRoom)
    }

    /// Takes the places of a run that has begun.
    mutating func release(_ id: String, in number: Int64) {
        guard let lane = lanes[number]?.lane else { return }
        for group in [lane.concurrency, lane.singleton] { groups[group]?.begun.remove(id) }
        end(in: lane)
    }

    /// Gives the places of a run that has begun to another one.
    mutating func transfer(from id: String, to other: String, in number: Int64) {
        guard let lane = lanes[number]?.lane else { return }
        for group in [lane.concurrency, lane.singleton] where groups[group]?.begun.remove(id) != nil {
            groups[group]?.begun.insert(other)
        }
    }

    // MARK: Looking

    /// How many runs wait for their limits, by what keeps the first of their lane.
    var lengths: [QueueFigures.Reason: Int] {
        var lengths: [QueueFigures.Reason: Int] = [:]
        for lane in lanes.values where !lane.line.isEmpty {
            let reason: QueueFigures.Reason? =
                switch lane.state {
                case .open: .turn
                case .waitsFor(lane.lane.concurrency): .concurrency
                case .waitsFor(lane.lane.singleton): .singleton
                case .waitsFor, .waitsUntil: .rate
                case .empty: nil
                }
            if let reason { lengths[reason, default: 0] += lane.line.count }
        }
        return lengths
    }
}

extension MemoryLanes: QueueLanes {
    typealias Failure = Never

    mutating func openFirst(waitingFor group: Int64) {
        if let lane = takeFirst(waitingFor: group) { set(lane, .open) }
    }

    mutating func close(_ lane: Int64, for group: Int64) { set(lane, .waitsFor(group)) }

    mutating func close(_ lane: Int64, until time: Int64) { set(lane, .waitsUntil(time)) }

    mutating func firstLane(waitingFor group: Int64) -> QueueLane.Head? {
        while let head = order[group]?.first {
            if isCurrent(head, group) { return head }
            order[group]?.removeFirst()
        }
        return nil
    }

    func isLed(_ rate: Int64, before head: QueueLane.Head) -> Bool {
        leaders[rate].flatMap { self.head($0) }.map { $0 < head } ?? false
    }

    mutating func stopLeading(_ rate: Int64) {
        if let leader = leaders[rate] { set(leader, .waitsFor(rate)) }
    }

    func isTaken(_ singleton: Int64) -> Bool { groups[singleton]?.begun.isEmpty == false }
}
