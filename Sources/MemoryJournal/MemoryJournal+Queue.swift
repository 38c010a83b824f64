internal import FlatValue
internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

extension MemoryJournal {
    package var keepsQueue: Bool { true }

    package func admit(_ scope: QueueScope, limit: Int) async throws(JournalError) -> QueuePass {
        if isClosed.load(ordering: .acquiring) { throw Self.closed }
        // The time is read by whoever has the store to itself: all that has ended for it has ended before.
        let (pass, posted) = write { [clock] contents, own in
            contents.admit(scope, limit: limit, as: own, at: clock.now())
        }
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

    package func queueFigures() async throws(JournalError) -> QueueFigures {
        try read { contents, _ in contents.queue.figures }
    }

    package func note(_ changes: WaitChanges) async throws(JournalError) {
        if isClosed.load(ordering: .acquiring) { throw Self.closed }
        write { contents, own in contents.note(changes, as: own) }
    }

    package func awaited(by waiters: [String]) async throws(JournalError) -> [String: Set<String>] {
        let now = clock.now()
        return try read { contents, own in
            waiters.reduce(into: [:]) { awaited, waiter in
                let waits = (contents.waits[waiter] ?? [:]).filter { contents.counts($0.value, for: own, at: now) }
                if !waits.isEmpty { awaited[waiter] = Set(waits.keys) }
            }
        }
    }

    package func holdups(of runs: [String]) async throws(JournalError) -> [String: QueueHoldup] {
        let now = clock.now()
        return try read { contents, own in
            runs.reduce(into: [:]) { holdups, id in
                guard let row = contents.row(id) else { return }
                holdups[id] = contents.queue.holdup(of: id, madeAt: row.header.createdAt) { holder in
                    (contents.waits[RunChain.split(holder).base] ?? [:]).values.contains {
                        $0.run == holder && contents.counts($0, for: own, at: now)
                    }
                }
            }
        }
    }
}

extension MemoryStore {
    /// A wait that somebody has noted.
    struct NotedWait {
        let run: String
        let owner: Int64
    }
}

extension MemoryStore.Contents {
    fileprivate mutating func note(_ changes: WaitChanges, as owner: Int64) {
        for wait in changes.ended where waits[wait.waiter]?[wait.awaited]?.owner == owner {
            waits[wait.waiter]?[wait.awaited] = nil
            if waits[wait.waiter]?.isEmpty == true { waits[wait.waiter] = nil }
        }
        for (wait, run) in changes.begun where row(run)?.owner == owner {
            waits[wait.waiter, default: [:]][wait.awaited] = MemoryStore.NotedWait(run: run, owner: owner)
        }
    }

    /// Whether a wait goes on: its run is driven by who has noted it.
    fileprivate func counts(_ wait: MemoryStore.NotedWait, for own: Int64, at now: Int64) -> Bool {
        guard let row = row(wait.run), !row.header.status.isTerminal else { return false }
        return header(of: row, for: own, at: now).owner?.number == wait.owner
    }
}

extension MemoryStore.Contents {
    typealias Posted = (deliver: @Sendable ([InboxMessage]) -> Void, message: InboxMessage)

    mutating func admit(
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
            let content = InboxMessage.Content(.begin)
            let message = InboxMessage(number: lastMessage, run: id, content: content, postedAt: now)
            messages.append((message, nil))
            switch claim(id, as: own, at: now) {
            case .owned:
                pass.told += 1
                if let deliver = self.runs[id]?.owner.flatMap({ watchers[$0] }) { posted.append((deliver, message)) }
            case .claimed(let run): pass.claims.append((id, .success(.claimed(run))))
            case .over, .missing: leaveQueue(id, at: now)
            }
        }
        return (pass, posted)
    }
}
