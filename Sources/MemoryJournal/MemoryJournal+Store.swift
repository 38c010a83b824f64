internal import FlatValue
internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

extension MemoryJournal: RunReading {
    package func header(of run: String) async throws(JournalError) -> RunHeader? {
        try read { contents, own in
            contents.row(run).map { contents.header(of: $0, for: own, at: clock.now()) }
        }
    }

    package func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? {
        try read { contents, own in
            contents.row(run).map { $0.stored(contents.header(of: $0, for: own, at: clock.now()), after: sequence) }
        }
    }

    package func list(_ filter: RunFilter) async throws(JournalError) -> [RunHeader] {
        try read { contents, own in
            var order = contents.order[...]
            if let before = filter.before { order = order.prefix { $0 != before } }
            var headers: [RunHeader] = []
            for id in order.reversed() {
                if headers.count >= filter.limit { break }
                // What the id and the row show is looked at before a header is made.
                guard filter.prefix.isEmpty || id.utf8.starts(with: filter.prefix.utf8),
                    let row = contents.runs[id], filter.admitsStored(row.header)
                else { continue }
                let header = contents.header(of: row, for: own, at: clock.now())
                if filter.admits(header) { headers.append(header) }
            }
            return headers
        }
    }

    package func nodes() async throws(JournalError) -> [StoreNode] {
        let now = clock.now()
        return try read { contents, own in
            let nodes = contents.owners.values.map { owner, _ in
                var node = StoreNode(owner: owner, isAlive: owner.leaseUntil > now || owner.number == own, runs: [:])
                node.owner.isSelf = owner.number == own
                for row in contents.runs.values where row.owner == owner.number && !row.header.status.isTerminal {
                    node.runs[row.header.status, default: 0] += 1
                }
                return node
            }
            return nodes.filter { $0.isAlive || !$0.runs.isEmpty }.sorted { $0.owner.number < $1.owner.number }
        }
    }

    package func changeCount() async throws(JournalError) -> Int64 { try read { contents, _ in contents.changes } }
}

extension MemoryJournal: RunOwning {
    package func claim(_ runs: [String]) async throws(JournalError) -> [Result<Claim, JournalError>] {
        let now = clock.now()
        return write { contents, own in runs.map { .success(contents.claim($0, as: own, at: now)) } }
    }

    package func release(_ runs: [JournaledRun]) async throws(JournalError) {
        write { _, own in
            for run in runs where run.memoryRow(of: own) != nil { run.letGoInMemory() }
        }
    }
}

extension MemoryJournal {
    package func rewrite(_ run: JournaledRun, _ rewriting: RunRewriting, appending batch: JournalBatch)
        async throws(JournalError)
    {
        let now = clock.now()
        let isRewritten = write { contents, own in
            guard let row = run.memoryRow(of: own), row.events.count == rewriting.events.count,
                row.entries.count == rewriting.links.count
            else { return false }
            row.events = rewriting.events
            for (index, link) in rewriting.links.enumerated() { row.entries[index].link = link }
            row.header.generation = rewriting.generation
            row.header.origin.fingerprint = rewriting.fingerprint
            for entry in batch.entries { _ = contents.write(entry, batch.bytes.bytes, as: own, at: now) }
            return true
        }
        if !isRewritten { throw .notOwned(run.id) }
    }
}

extension MemoryJournal: RunInbox {
    package func post(_ message: InboxMessage.Content, to run: String) async throws(JournalError) -> Int64? {
        let now = clock.now()
        let posted: (InboxMessage, [@Sendable ([InboxMessage]) -> Void])? = store.contents.withLock { contents in
            guard let row = contents.row(run), !row.header.status.isTerminal else { return nil }
            contents.lastMessage += 1
            contents.changes += 1
            let message = InboxMessage(number: contents.lastMessage, run: run, content: message, postedAt: now)
            contents.messages.append((message, nil))
            if message.content.kind == .cancelChain { return (message, Array(contents.watchers.values)) }
            return (message, row.owner.flatMap { contents.watchers[$0] }.map { [$0] } ?? [])
        }
        guard let (message, watchers) = posted else { return nil }
        for deliver in watchers { deliver([message]) }
        return message.number
    }

    package func answer(to message: Int64) async throws(JournalError) -> InboxAnswer? {
        store.contents.withLock { contents in
            guard let index = contents.messages.firstIndex(where: { $0.message.number == message }) else {
                return InboxAnswer.ended
            }
            let entry = contents.messages[index]
            let outlivesRun = entry.message.content.kind == .cancelChain
            if entry.answer == nil, let run = contents.runs[entry.message.run],
                outlivesRun || !run.header.status.isTerminal
            {
                return nil
            }
            contents.messages.remove(at: index)
            return entry.answer ?? .ended
        }
    }

    package func withdraw(_ message: Int64) async throws(JournalError) -> Bool {
        store.contents.withLock { contents in
            let before = contents.messages.count
            contents.messages.removeAll { $0.message.number == message && $0.answer == nil }
            return contents.messages.count < before
        }
    }

    package func watchInbox(_ deliver: @escaping @Sendable ([InboxMessage]) -> Void) {
        write { contents, own in contents.watchers[own] = deliver }
    }

    package func answer(_ message: Int64, with answer: InboxAnswer) async throws(JournalError) {
        store.contents.withLock { $0.answer(message, answer) }
    }
}

extension MemoryStore.Contents {
    mutating func answer(_ message: Int64, _ answer: InboxAnswer) {
        changes += 1
        guard let index = messages.firstIndex(where: { $0.message.number == message }), messages[index].answer == nil
        else { return }
        messages[index].answer = answer
    }
}

extension MemoryJournal: GenerationStore {
    package func save(_ generation: ScriptGeneration) async throws(JournalError) {
        write { contents, own in
            contents.owners[own]?.held.insert(generation.hash)
            if contents.generations[generation.hash] == nil { contents.generations[generation.hash] = generation }
        }
    }

    package func generation(_ hash: String) async throws(JournalError) -> ScriptGeneration? {
        try read { contents, _ in contents.generations[hash] }
    }
}

extension MemoryJournal: StoreUpkeep {
    package func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport {
        store.contents.withLock { [clock] contents in
            let doomed = contents.order.reversed().compactMap { contents.runs[$0] }.filter { filter.admits($0.header) }
                .dropFirst(filter.keep)
            var report = PruneReport()
            report.runs = doomed.count
            report.events = doomed.reduce(0) { $0 + $1.header.sequence }
            let ids = Set(doomed.map(\.header.id))
            let held = contents.owners.values.reduce(into: Set<String>()) { $0.formUnion($1.held) }
            let needed = held.union(
                contents.runs.values.filter { !ids.contains($0.header.id) }.map(\.header.generation))
            report.generations = contents.generations.keys.count { !needed.contains($0) }
            if !filter.dryRun {
                contents.remove(ids, at: clock.now())
                contents.generations = contents.generations.filter { needed.contains($0.key) }
            }
            return report
        }
    }

    package func checkWritable() async throws(JournalError) { try read { _, _ in } }

    package func delete(_ run: String) async throws(JournalError) -> Bool {
        guard let header = try await header(of: run) else { return false }
        if let owner = header.owner { throw .active(run, owner) }
        store.contents.withLock { [clock] contents in contents.remove([run], at: clock.now()) }
        return true
    }

    package func statistics() async throws(JournalError) -> StoreStatistics {
        try read { contents, _ in
            var statistics = StoreStatistics()
            for row in contents.runs.values {
                statistics.runs[row.header.status, default: 0] += 1
                statistics.events += row.header.sequence
            }
            statistics.generations = contents.generations.count
            return statistics
        }
    }

    package var name: String { "memory" }

    package func check() async throws(JournalError) -> [StoreProblem] { [] }

    package func unreadable() async throws(JournalError) -> [StoreProblem] { [] }

    package func close() async {
        isClosed.store(true, ordering: .releasing)
        let number = number.withLock { $0 }
        store.contents.withLock { contents in
            contents.owners[number] = nil
            contents.watchers[number] = nil
            for row in contents.runs.values where row.owner == number { row.owner = nil }
        }
    }
}

extension MemoryStore.Contents {
    /// Makes an owner that of a run which nobody drives.
    mutating func claim(_ id: String, as own: Int64, at now: Int64) -> Claim {
        guard let row = row(id) else { return .missing }
        var header = header(of: row, for: own, at: now)
        if header.status.isTerminal { return .over(header) }
        if header.owner != nil { return .owned(header) }
        // An owner whose lease ran out loses all of its runs at once.
        if let gone = row.owner { depose(gone) }
        let end = OwnerEnd(row.owner)
        row.owner = own
        header = self.header(of: row, for: own, at: now)
        header.owner = owners[own]?.owner
        header.owner?.isSelf = true
        let stored = row.stored(header, after: 0)
        let run = JournaledRun(stored)
        run.lease = MemoryLease(on: row, owner: own)
        run.ownerEnd = end
        run.isQueued = queue.holds(id)
        let messages = messages.filter { $0.message.run == id && $0.answer == nil }.map(\.message)
        return .claimed(ClaimedRun(run, stored, messages))
    }

    /// Takes a run out of the queue, if it has a place there.
    mutating func leaveQueue(_ id: String, at now: Int64) {
        guard queue.leave(id, at: now) else { return }
        messages.removeAll { $0.message.run == id && $0.message.content.kind == .begin }
    }

    /// Ends the ownership of one that is gone. Its runs keep its number, negated where code of several was under way.
    mutating func depose(_ number: Int64) {
        guard owners.removeValue(forKey: number) != nil else { return }
        let owned = runs.filter { $0.value.owner == number && !$0.value.header.status.isTerminal }
        guard owned.values.count(where: { $0.header.status == .running }) > 1 else { return }
        for row in owned.values { row.owner = -number }
    }

    mutating func remove(_ ids: Set<String>, at now: Int64) {
        changes += 1
        for id in ids {
            runs.removeValue(forKey: id)?.owner = nil
            leaveQueue(id, at: now)
        }
        order.removeAll { ids.contains($0) }
        messages.removeAll { ids.contains($0.message.run) }
    }
}

extension OwnerEnd {
    /// - Parameter owner: the number that a run nobody drives carries still.
    fileprivate init(_ owner: Int64?) {
        self =
            switch owner {
            case nil: .released
            case let owner?: owner < 0 ? .diedInCompany : .diedAlone
            }
    }
}
