package import FlatValue
package import WorkflowCore
package import WorkflowEngine

/// A journal batch as it crosses the socket; its bytes are the frame's body.
package struct WireBatch: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var run: String
        package var sequence: Int
        /// Where events and arena bytes lie in the body.
        package var events: Range<Int>
        package var arena: Range<Int>
        /// What a run waits by that begins with this entry.
        package var ticket: QueueTicket?
    }

    /// By which the answer names it.
    package var number: Int64
    package var entries: [Entry] = []
    package var settlements: [(entry: Int, message: Int64)] = []
    package var answers: [(message: Int64, answer: InboxAnswer)] = []

    package static func == (one: WireBatch, other: WireBatch) -> Bool { one.header == other.header }
}

extension WireBatch {
    package init(_ batch: JournalBatch, number: Int64) {
        self.number = number
        entries = batch.entries.map { entry in
            Entry(
                run: entry.run.id, sequence: entry.sequence, events: entry.events, arena: entry.arena,
                ticket: entry.sequence == 0 ? entry.run.ticket : nil)
        }
        settlements = batch.settlements.map { ($0.entry, $0.message) }
        answers = batch.answers.map { ($0.message, $0.answer) }
    }

    package var header: Value {
        [
            "batch": Value(number), "entries": Value(array: entries.map(\.value)),
            "settlements": Value(array: settlements.map { [Value(Int64($0.entry)), Value($0.message)] }),
            "answers": Value(
                array: answers.map { message, answer in
                    switch answer {
                    case .taken: [Value(message)]
                    case .refused(let code, let text, let details):
                        [Value(message), Value(code), Value(text), details ?? .null]
                    }
                }),
        ]
    }

    /// Checks that ranges lie in the body and numbers in their lists; whose the runs are is for the caller to know.
    package init(_ frame: WireFrame) throws(FrameFault) {
        let header = frame.header
        guard let number = header["batch"]?.int, let entries = header["entries"]?.array,
            let settlements = header["settlements"]?.array, let answers = header["answers"]?.array
        else { throw FrameFault("a batch without its parts") }
        self.number = number
        for value in entries { self.entries.append(try Entry(value, body: frame.body.count)) }
        var last = 0
        for value in settlements {
            guard let pair = value.array, pair.count == 2, let entry = pair[0].int, let message = pair[1].int,
                entry >= last, entry < entries.count
            else { throw FrameFault("a settlement of no entry") }
            last = Int(entry)
            self.settlements.append((last, message))
        }
        for value in answers {
            guard let parts = value.array, parts.count == 1 || parts.count == 4, let message = parts[0].int else {
                throw FrameFault("an answer to no message")
            }
            let answer: InboxAnswer =
                parts.count == 1
                ? .taken
                : .refused(
                    code: parts[1].string ?? "refused", message: parts[2].string ?? "",
                    details: parts[3].isNull ? nil : parts[3])
            self.answers.append((message, answer))
        }
    }
}

extension WireBatch.Entry {
    fileprivate var value: Value {
        let numbers = [sequence, events.lowerBound, events.count, arena.lowerBound, arena.count]
        return Value(array: [Value(run)] + numbers.map { Value(Int64($0)) } + (ticket.map { [$0.value] } ?? []))
    }

    fileprivate init(_ value: Value, body: Int) throws(FrameFault) {
        let fault = FrameFault("an entry that does not fit its batch")
        guard let parts = value.array, parts.count == 6 || parts.count == 7, let run = parts[0].string else {
            throw fault
        }
        let numbers = parts[1...5].compactMap(\.int)
        guard numbers.count == 5, numbers.allSatisfy({ $0 >= 0 && $0 <= Int64(UInt32.max) }) else { throw fault }
        func range(_ start: Int64, _ count: Int64) -> Range<Int> { Int(start)..<Int(start + count) }
        self.run = run
        sequence = Int(numbers[0])
        events = range(numbers[1], numbers[2])
        arena = range(numbers[3], numbers[4])
        guard events.upperBound <= body, arena.upperBound <= body, events.count % MemoryLayout<Event>.stride == 0 else {
            throw fault
        }
        if parts.count == 7 {
            guard let ticket = QueueTicket(parts[6]) else { throw fault }
            self.ticket = ticket
        }
    }
}

extension QueueTicket {
    fileprivate var value: Value {
        var entries: [(String, Value)] = [
            ("priority", Value(priority)), ("ready", Value(readyAt)), ("conflict", Value(onConflict.rawValue)),
            ("left", Value(isLeft)),
            (
                "shares",
                Value(
                    array: shares.map {
                        [Value($0.kind.rawValue), Value($0.key), Value(Int64($0.limit)), Value($0.period)]
                    })
            ),
        ]
        if let debounce { entries.append(("debounce", Value(debounce))) }
        return Value(entries: entries)
    }

    fileprivate init?(_ value: Value) {
        guard let priority = value["priority"]?.int, FlowControl.priorities.contains(priority),
            let readyAt = value["ready"]?.int, readyAt >= 0,
            let conflict = value["conflict"]?.string.flatMap(FlowControl.Singleton.Conflict.init),
            let shares = value["shares"]?.array, shares.count <= Share.Kind.allCases.count
        else { return nil }
        self.init()
        self.priority = priority
        self.readyAt = readyAt
        onConflict = conflict
        isLeft = value["left"]?.bool == true
        debounce = value["debounce"]?.string
        for item in shares {
            guard let parts = item.array, parts.count == 4, let kind = parts[0].int.flatMap(Share.Kind.init),
                let key = parts[1].string, key.utf8.count <= QueueKey.longest, let limit = parts[2].int, limit > 0,
                let period = parts[3].int, period >= 0, share(kind) == nil
            else { return nil }
            self.shares.append(Share(kind, key: key, limit: Int(limit), period: period))
        }
        if let debounce, debounce.utf8.count > QueueKey.longest { return nil }
    }

    /// Whether the limits are those of a workflow, for a run that was begun so. What a key is for which the workflow has a function
    /// is the script's own affair.
    package func fits(_ flow: FlowControl, _ queueing: Queueing) -> Bool {
        func fits(_ key: String?, _ slot: CallbackSlot?) -> Bool {
            guard let slot else { return key == nil }
            return slot != 0 || key == ""
        }
        guard !queueing.isExempt, isLeft == queueing.isLeft, !shares.isEmpty || debounce != nil,
            fits(share(.concurrency)?.key, flow.concurrency?.key), fits(share(.rate)?.key, flow.rate?.key),
            fits(share(.singleton)?.key, flow.singleton?.key), fits(debounce, flow.debounce?.key)
        else { return false }
        if let given = queueing.priority ?? flow.fixedPriority, priority != given { return false }
        return shares.allSatisfy { share in
            switch share.kind {
            case .concurrency: flow.concurrency.map { Int64(share.limit) == Int64($0.limit) } == true
            case .rate: flow.rate.map { Int64(share.limit) == Int64($0.limit) && share.period == $0.period } == true
            case .singleton: flow.singleton.map { share.limit == 1 && onConflict == $0.onConflict } == true
            }
        }
    }
}
