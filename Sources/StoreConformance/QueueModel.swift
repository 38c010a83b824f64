internal import WorkflowCore
internal import WorkflowEngine

/// What a queue has to do, in the plainest way: every run that waits is looked at each time.
struct QueueModel {
    private struct Entry {
        var id: String
        var workflow: String
        var ticket: QueueTicket
        var hasBegun = false
    }

    /// What runs share that wait in one line.
    private struct Line: Hashable {
        var workflow: String
        var keys: [String?]
    }

    private struct Rate: Hashable {
        var workflow: String
        var key: String
    }

    /// Oldest first.
    private var entries: [Entry] = []
    private var starts: [Rate: [Int64]] = [:]

    /// Takes a run in, unless a singleton has another one.
    mutating func enter(_ id: String, _ workflow: String, _ ticket: QueueTicket) -> Bool {
        let entry = Entry(id: id, workflow: workflow, ticket: ticket)
        func isDebounced(_ other: Entry) -> Bool {
            guard let debounce = ticket.debounce else { return false }
            return !other.hasBegun && other.workflow == workflow && other.ticket.debounce == debounce
        }
        if ticket.onConflict == .skip,
            entries.contains(where: { Self.share(.singleton, entry, $0) && !isDebounced($0) })
        {
            return false
        }
        entries.removeAll(where: isDebounced)
        entries.append(entry)
        return true
    }

    mutating func leave(_ id: String) { entries.removeAll { $0.id == id } }

    /// The runs that begin, in order.
    mutating func admit(at now: Int64) -> [String] {
        var begun: [String] = []
        while let index = next(at: now) {
            entries[index].hasBegun = true
            let entry = entries[index]
            begun.append(entry.id)
            if let rate = entry.ticket.share(.rate) {
                starts[Rate(workflow: entry.workflow, key: rate.key), default: []].append(now)
            }
        }
        return begun
    }

    /// The first run that may begin of those that are the first of their line.
    private func next(at now: Int64) -> Int? {
        let waiting = entries.indices.filter { !entries[$0].hasBegun && entries[$0].ticket.readyAt <= now }.sorted {
            let (left, right) = (entries[$0].ticket.priority, entries[$1].ticket.priority)
            return left == right ? $0 < $1 : left > right
        }
        var seen: Set<Line> = []
        return waiting.first { seen.insert(Self.line(entries[$0])).inserted && mayBegin(entries[$0], at: now) }
    }

    private func mayBegin(_ entry: Entry, at now: Int64) -> Bool {
        let begun = entries.filter(\.hasBegun)
        if begun.contains(where: { Self.share(.singleton, entry, $0) }) { return false }
        if let concurrency = entry.ticket.share(.concurrency),
            begun.count(where: { Self.share(.concurrency, entry, $0) }) >= concurrency.limit
        {
            return false
        }
        guard let rate = entry.ticket.share(.rate) else { return true }
        let times = starts[Rate(workflow: entry.workflow, key: rate.key)] ?? []
        return times.count { $0 > now - rate.period } < rate.limit
    }

    private static func share(_ kind: QueueTicket.Share.Kind, _ one: Entry, _ other: Entry) -> Bool {
        guard let key = one.ticket.share(kind)?.key else { return false }
        return one.workflow == other.workflow && other.ticket.share(kind)?.key == key
    }

    private static func line(_ entry: Entry) -> Line {
        Line(
            workflow: entry.workflow, keys: QueueTicket.Share.Kind.allCases.map { entry.ticket.share($0)?.key })
    }
}
