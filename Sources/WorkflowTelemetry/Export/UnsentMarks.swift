internal import FlatValue

/// What each process has not sent of the spans of a store's runs, as the store keeps it: a process that dies leaves its mark there, and
/// another one takes over what it says.
struct UnsentMarks: Equatable {
    struct Mark: Equatable {
        /// Spans that its entries ended before have been sent; microseconds since 1970. Nil for a process that has ended, and has sent
        /// all of its own.
        var sentUntil: Int64?
        /// When the process last told; microseconds since 1970.
        var toldAt: Int64
        /// What it took over from others, or could not send when it was time, and has not sent.
        var debts: [UnsentDebt] = []
        /// Where it sends; nil where that is not known.
        var endpoints: UnsentDebt.Endpoints?
        /// Its clock was ahead of that of a process which may have changed its runs since then; microseconds since 1970.
        var aheadSince: Int64?
    }

    /// The longest time between two marks of a process, in microseconds.
    static let heartbeat: Int64 = 60_000_000
    /// How long a process may be silent before it counts as gone.
    private static let silence = 5 * heartbeat / 2
    /// How far clocks of processes may differ, and entries be told late.
    static let tolerance: Int64 = 2_000_000
    /// What is older is nobody's any more.
    static let lifetime: Int64 = 86_400_000_000
    /// Of so many processes marks are kept; what all others have left stands as the debts of one of them.
    private static let limit = 100

    private(set) var marks: [ExportProcess: Mark] = [:]

    init() {}

    /// Reads what ``value`` gives; what is nothing of that kind is left out.
    init(_ value: Value?) {
        for entry in value?.array ?? [] {
            guard let name = entry["process"]?.string, let process = ExportProcess(name),
                let toldAt = Self.time(entry["toldAt"])
            else { continue }
            let debts = (entry["debts"]?.array ?? []).compactMap(Self.debt)
            let sentUntil = Self.time(entry["sentUntil"])
            if sentUntil == nil, debts.isEmpty { continue }
            marks[process] = Mark(
                sentUntil: sentUntil, toldAt: toldAt, debts: debts, endpoints: Self.endpoints(entry["endpoints"]),
                aheadSince: Self.time(entry["aheadSince"]))
        }
    }

    private static func time(_ value: Value?) -> Int64? {
        value?.int.flatMap { 0 <= $0 && $0 < latest ? $0 : nil }
    }

    private static func debt(_ value: Value) -> UnsentDebt? {
        guard let from = time(value["from"]), let to = time(value["to"]), from <= to else { return nil }
        let place = value["run"]?.string.map { run in
            UnsentDebt.Place(run: run, entries: Int(clamping: value["entries"]?.int ?? 0))
        }
        return UnsentDebt(
            times: from...to, sent: place, endpoints: endpoints(value["endpoints"]), since: time(value["since"]))
    }

    /// The names of endpoints; nil where they are none.
    private static func endpoints(_ value: Value?) -> UnsentDebt.Endpoints? {
        guard let names = value?.array?.map(\.string), (1...mostEndpoints).contains(names.count) else { return nil }
        let known = names.compactMap { $0 }.filter { $0.utf8.count <= longestEndpoint }
        return known.count == names.count ? Set(known) : nil
    }

    private static func value(_ endpoints: UnsentDebt.Endpoints) -> Value {
        Value(array: endpoints.sorted().map { Value($0) })
    }

    private static let mostEndpoints = 16
    /// In bytes.
    private static let longestEndpoint = 100

    /// Times have room for all that is added to them.
    private static let latest = Int64.max / 4

    var value: Value {
        Value(
            array: bounded.map { process, mark in
                var entries: [(String, Value)] = [
                    ("process", Value(process.name)), ("toldAt", Value(mark.toldAt)),
                ]
                if let sentUntil = mark.sentUntil { entries.append(("sentUntil", Value(sentUntil))) }
                if let endpoints = mark.endpoints { entries.append(("endpoints", Self.value(endpoints))) }
                if let since = mark.aheadSince { entries.append(("aheadSince", Value(since))) }
                if !mark.debts.isEmpty { entries.append(("debts", Value(array: mark.debts.map(Self.value)))) }
                return Value(entries: entries)
            })
    }

    /// The marks that are kept, the newest first.
    private var bounded: [(key: ExportProcess, value: Mark)] {
        let newest = marks.sorted { ($0.value.toldAt, $0.key.name) > ($1.value.toldAt, $1.key.name) }
        guard newest.count > Self.limit else { return newest }
        let rest = newest[(Self.limit - 1)...]
        guard let latest = rest.first?.value.toldAt, let oldest = rest.last?.key else { return newest }
        let debts = debts(of: Set(rest.map(\.key)), at: latest)
        return newest.prefix(Self.limit - 1) + [(oldest, Mark(sentUntil: nil, toldAt: latest, debts: debts))]
    }

    private static func value(_ debt: UnsentDebt) -> Value {
        var entries: [(String, Value)] = [
            ("from", Value(debt.times.lowerBound)), ("to", Value(debt.times.upperBound)),
        ]
        if let endpoints = debt.endpoints { entries.append(("endpoints", value(endpoints))) }
        if debt.since < debt.times.lowerBound { entries.append(("since", Value(debt.since))) }
        if let sent = debt.sent { entries += [("run", Value(sent.run)), ("entries", Value(Int64(sent.entries)))] }
        return Value(entries: entries)
    }

    /// - Parameter mark: nil for a process that has nothing left to send.
    mutating func set(_ process: ExportProcess, _ mark: Mark?) { marks[process] = mark }

    /// Leaves of a process that is gone at a time what it owes to others than some endpoints.
    mutating func settle(_ process: ExportProcess, with endpoints: UnsentDebt.Endpoints, at now: Int64) {
        guard let mark = marks[process] else { return }
        let rest = debts(of: [process], at: now).compactMap { $0.owed(toOthersThan: endpoints) }
        marks[process] = rest.isEmpty ? nil : Mark(sentUntil: nil, toldAt: mark.toldAt, debts: rest)
    }

    /// Notes which processes are ahead of the clock of one that may change their runs from now on, or has a moment ago.
    mutating func noteAhead(of now: Int64, besides own: ExportProcess) {
        for (process, mark) in marks where process != own && mark.toldAt > now + Self.tolerance {
            marks[process]?.aheadSince = min(mark.aheadSince ?? .max, max(now - Self.silence, 0))
        }
    }

    /// Leaves out what is too old at a time.
    mutating func forget(at now: Int64) {
        marks = marks.filter { $0.value.toldAt > now - Self.lifetime }
        for process in Array(marks.keys) { marks[process]?.debts.removeAll { Self.isForgotten($0, at: now) } }
        marks = marks.filter { $0.value.sentUntil != nil || !$0.value.debts.isEmpty }
    }

    /// Whether nobody sends it any more.
    static func isForgotten(_ debt: UnsentDebt, at now: Int64) -> Bool { debt.times.upperBound <= now - lifetime }

    /// The processes that are gone.
    ///
    /// - Parameters:
    ///   - now: microseconds since 1970.
    ///   - isAlive: whether a process runs; nil where that is not to be known, and its silence says it.
    func gone(besides own: ExportProcess, at now: Int64, isAlive: (ExportProcess) -> Bool?) -> Set<ExportProcess> {
        let gone = marks.filter { process, mark in
            process != own && !(isAlive(process) ?? (mark.toldAt > now - Self.silence))
        }
        return Set(gone.keys)
    }

    /// What some processes that are gone at a time have left.
    ///
    /// - Parameter now: microseconds since 1970; nothing of theirs was written later.
    func debts(of processes: Set<ExportProcess>, at now: Int64) -> [UnsentDebt] {
        UnsentDebt.merged(
            processes.compactMap { marks[$0] }.flatMap { mark in
                let own = mark.sentUntil.map { sentUntil in
                    let last = min(mark.toldAt + 2 * Self.heartbeat, max(now, mark.toldAt))
                    return UnsentDebt(times: sentUntil...max(sentUntil, last), endpoints: mark.endpoints)
                }
                return (mark.debts + (own.map { [$0] } ?? [])).map { debt in
                    var debt = debt
                    debt.since = min(debt.since, mark.aheadSince ?? .max)
                    return debt
                }
            })
    }
}
