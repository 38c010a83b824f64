internal import FlatValue
internal import GRDB
internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

extension Writer {
    /// Writes batches in one transaction and answers each of them, or lets them wait behind those that wait already.
    func write(_ messages: ArraySlice<Message>) {
        if messages.isEmpty { return }
        if stall != nil {
            stall?.messages += messages
        } else if let error = attempt(messages), !stall(messages, because: error) {
            refuse(messages, with: error)
        }
    }

    /// Writes batches and answers them; if that is not possible, nothing is in the store and nobody has an answer.
    ///
    /// When one entry is the reason, it fails alone.
    func attempt(_ messages: ArraySlice<Message>) -> JournalError? {
        do throws(JournalError) {
            try write(messages, apart: false)
            return nil
        } catch  where !error.mayPass && !error.isOfFiles {
            do throws(JournalError) {
                try write(messages, apart: true)
                return nil
            } catch {
                return error
            }
        } catch {
            return error
        }
    }

    private func write(_ messages: ArraySlice<Message>, apart: Bool) throws(JournalError) {
        var outcomes: [[JournalOutcome]] = []
        outcomes.reserveCapacity(messages.count)
        try transaction {
            try renewLease()
            for case .batch(let batch, _) in messages { outcomes.append(try append(batch, apart: apart)) }
            if entriesBehind >= Self.mostBehind { try catchUp() }
        }
        for (message, outcomes) in zip(messages, outcomes) {
            if case .batch(let batch, let answer) = message { answer(batch, outcomes) }
        }
    }

    /// How many entries readers have to look through because `runs` does not show them yet.
    private static let mostBehind = 4096

    /// SQLite takes no row of a billion bytes.
    private static let largestEntry = 900_000_000

    /// - Parameter apart: whether an entry that cannot be written is left out, and only that one.
    func append(_ batch: JournalBatch, apart: Bool = false) throws -> [JournalOutcome] {
        guard let statements else { throw JournalError.closed(path) }
        var outcomes: [JournalOutcome] = []
        outcomes.reserveCapacity(batch.entries.count)
        for entry in batch.entries {
            outcomes.append(
                apart
                    ? try appendApart(entry, batch.bytes.bytes, statements)
                    : try append(entry, batch.bytes.bytes, statements))
        }
        for settlement in batch.settlements {
            if case .durable = outcomes[settlement.entry] { try answer(settlement.message, .taken) }
        }
        for (message, answer) in batch.answers { try self.answer(message, answer) }
        return outcomes
    }

    private func appendApart(
        _ entry: JournalEntry, _ bytes: UnsafeRawBufferPointer, _ statements: WriterStatements
    ) throws -> JournalOutcome {
        let saved = (undo: undo.count, behind: behind.count)
        try database.execute(sql: "SAVEPOINT entry")
        do {
            let outcome = try append(entry, bytes, statements)
            try database.execute(sql: "RELEASE entry")
            return outcome
        } catch {
            guard database.isInsideTransaction else { throw error }
            try database.execute(sql: "ROLLBACK TO entry; RELEASE entry")
            while undo.count > saved.undo { undo.removeLast().restore() }
            behind.removeSubrange(min(saved.behind, behind.count)...)
            return .failed(JournalError(error, store: path, database))
        }
    }

    private func append(
        _ entry: JournalEntry, _ bytes: UnsafeRawBufferPointer, _ statements: WriterStatements
    ) throws -> JournalOutcome {
        let run = entry.run
        let lease = run.makeSQLiteLease()
        let before = lease.head
        let begins = entry.sequence == 0
        if max(entry.events.count, entry.arena.count) > Self.largestEntry { return .failed(.tooLarge(run.id)) }
        if begins {
            guard before.entry == 0 else { return .conflict }
            try becomeOwner()
        } else if lease.fence != owner.number || before.sequence != entry.sequence {
            return .conflict
        }
        undo.append(Undo(lease))
        var head = before.advanced(by: entry, numbered: nextEntry)
        if begins {
            if run.ticket != nil { return try beginQueued(run, lease, head, entry, bytes, statements) }
            guard try begin(run, lease, head, entry, statements) else { return .conflict }
            if let predecessor = run.predecessor, predecessor.isQueued, let old = predecessor.sqliteLease {
                run.isQueued = try takePlace(of: old.row, by: lease.row)
            }
        } else if !head.isBehind {
            head.isBehind = true
            behind.append(lease)
        }
        try insert(entry, bytes, head, of: lease.row, previous: before, statements)
        if !begins {
            entriesBehind += 1
            if owner.behindFrom == nil { try beginFallingBehind(statements) }
        }
        if let tags = entry.tags { try replaceTags(of: lease.row, with: tags, isNew: begins) }
        nextEntry += 1
        lease.head = head
        if run.isQueued, head.status.isTerminal { try leaveQueue(lease.row) }
        return .durable
    }

    /// Makes a new run that waits in the queue, unless a singleton has another one.
    private func beginQueued(
        _ run: JournaledRun, _ lease: SQLiteLease, _ head: JournalHead, _ entry: JournalEntry,
        _ bytes: UnsafeRawBufferPointer, _ statements: WriterStatements
    ) throws -> JournalOutcome {
        guard let ticket = run.ticket else { return .conflict }
        let isThere = try Bool.fetchOne(
            database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM runs WHERE id = ?)"), arguments: [run.id])
        if isThere == true { return .conflict }
        let (places, rival) = try findPlaces(run.workflow, ticket)
        if let rival {
            run.rival = rival
            return .failed(.singleton(run.workflow, rival))
        }
        guard try begin(run, lease, head, entry, statements) else { return .conflict }
        try insert(entry, bytes, head, of: lease.row, previous: JournalHead(), statements)
        if let tags = entry.tags { try replaceTags(of: lease.row, with: tags, isNew: true) }
        try enterQueue(lease.row, ticket, places)
        nextEntry += 1
        lease.head = head
        run.isQueued = true
        return .durable
    }

    /// Makes the row of a new run; false if there is a run of that id.
    private func begin(
        _ run: JournaledRun, _ lease: SQLiteLease, _ head: JournalHead, _ entry: JournalEntry,
        _ statements: WriterStatements
    ) throws -> Bool {
        let statement = statements.insertRun
        statement.bind(run.id, at: 1)
        statement.bind(run.workflow, at: 2)
        statement.bind(run.generation, at: 3)
        statement.bind(run.lineage, at: 4)
        statement.bind(entry.time, at: 5)
        let isLeft = run.ticket?.isLeft == true
        if isLeft { statement.bindNull(at: 6) } else { statement.bind(owner.number, at: 6) }
        statement.bind(head.entry, at: 7)
        statement.bind(head.sequence, at: 8)
        statement.bind(head.arena, at: 9)
        statement.bind(head.status.number, at: 10)
        statement.bind(head.wakeAt, at: 11)
        statement.bind(head.time, at: 12)
        statement.bind(run.origin.grant.isNull ? nil : run.origin.grant.json, at: 13)
        statement.bind(run.origin.fingerprint, at: 14)
        statement.bind(run.origin.inputDigest, at: 15)
        try statement.run()
        guard database.changesCount == 1 else { return false }
        lease.row = database.lastInsertedRowID
        lease.fence = isLeft ? -1 : owner.number
        return true
    }

    private func insert(
        _ entry: JournalEntry, _ bytes: UnsafeRawBufferPointer, _ head: JournalHead, of row: Int64,
        previous: JournalHead, _ statements: WriterStatements
    ) throws {
        let events = UnsafeRawBufferPointer(rebasing: bytes[entry.events])
        let arena = UnsafeRawBufferPointer(rebasing: bytes[entry.arena])
        let statement = statements.insertEntry
        statement.bind(head.entry, at: 1)
        statement.bind(row, at: 2)
        statement.bind(previous.entry, at: 3)
        statement.bind(head.sequence, at: 4)
        statement.bind(head.arena, at: 5)
        statement.bind(head.status.number, at: 6)
        statement.bind(head.wakeAt, at: 7)
        statement.bind(head.time, at: 8)
        statement.bind(events, at: 9)
        statement.bind(Checksum.of(events: events, arena: arena), at: 12)
        let large =
            arena.count < options.largePayload
            ? [] : LargePayload.find(events: events, arena: arena, start: previous.arena, from: options.largePayload)
        if large.isEmpty {
            try entry.link.withBytes { link in
                statement.bind(arena, at: 10)
                statement.bindNull(at: 11)
                statement.bind(link, at: 13)
                try statement.run()
            }
        } else {
            try LargePayload.remainder(of: arena, without: large).withUnsafeBytes { remainder in
                try LargePayload.encode(large).withUnsafeBytes { parts in
                    try entry.link.withBytes { link in
                        statement.bind(remainder, at: 10)
                        statement.bind(parts, at: 11)
                        statement.bind(link, at: 13)
                        try statement.run()
                    }
                }
            }
            for payload in large {
                try store(UnsafeRawBufferPointer(rebasing: arena[payload.range]), hash: payload.hash)
                try database.cachedStatement(sql: "INSERT OR IGNORE INTO content_uses (hash, entry) VALUES (?, ?)")
                    .execute(arguments: [payload.hash.databaseBlob, head.entry])
            }
        }
    }

    // MARK: Rows that are behind

    private func beginFallingBehind(_ statements: WriterStatements) throws {
        owner.behindFrom = nextEntry
        statements.markBehind.bind(nextEntry, at: 1)
        statements.markBehind.bind(owner.number, at: 2)
        try statements.markBehind.run()
    }

    /// Makes the rows of runs show their newest entries.
    func catchUp() throws {
        guard let statements, owner.behindFrom != nil else { return }
        for lease in behind {
            let statement = statements.updateRun
            statement.bind(lease.head.entry, at: 1)
            statement.bind(lease.head.sequence, at: 2)
            statement.bind(lease.head.arena, at: 3)
            statement.bind(lease.head.status.number, at: 4)
            statement.bind(lease.head.wakeAt, at: 5)
            statement.bind(lease.head.time, at: 6)
            statement.bind(lease.row, at: 7)
            try statement.run()
        }
        owner.behindFrom = nil
        statements.markBehind.bindNull(at: 1)
        statements.markBehind.bind(owner.number, at: 2)
        try statements.markBehind.run()
        hasCaughtUp = true
    }

    /// Called when the transaction that caught up is in the store.
    func forgetBehind() {
        for lease in behind { lease.head.isBehind = false }
        behind.removeAll(keepingCapacity: true)
        entriesBehind = 0
        hasCaughtUp = false
    }
}
