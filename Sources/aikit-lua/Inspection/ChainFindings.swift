internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// What the chains of runs' journals say.
struct ChainFindings: Sendable {
    /// A run whose journal is not what was written.
    struct Broken: Sendable {
        var run: String
        /// The first entry that does not fit, and its first event, from 1; nil where none is to blame.
        var entry: Int?
        var event: Int?
        var reason: String
    }

    var runs = 0
    var entries = 0
    var broken: [Broken] = []
    /// Runs whose first entries were written before there were chains, with the number of the first that is chained, from
    /// 1; nil where none is.
    var unchained: [(run: String, before: Int?)] = []
    /// The newest link of the only run that was asked for, in hexadecimal digits.
    var link: String?

    var isSound: Bool { broken.isEmpty }

    /// The findings as programs read them.
    var value: Value {
        var entries: [(String, Value)] = [
            ("runs", Value(Int64(runs))), ("entries", Value(Int64(self.entries))),
            ("broken", Value(array: broken.map(\.value))),
            (
                "unchained",
                Value(
                    array: unchained.map { run, before in
                        Value(
                            entries: [("runId", Value(run))] + (before.map { [("before", Value(Int64($0)))] } ?? []))
                    })
            ),
        ]
        if let link { entries.append(("link", Value(link))) }
        return Value(entries: entries)
    }
}

extension ChainFindings.Broken {
    var value: Value {
        var entries: [(String, Value)] = [("runId", Value(run))]
        if let entry { entries.append(("entry", Value(Int64(entry)))) }
        if let event { entries.append(("event", Value(Int64(event)))) }
        entries.append(("reason", Value(reason)))
        return Value(entries: entries)
    }

    /// In a line, for people.
    var text: String {
        let place = [entry.map { "entry \($0)" }, event.map { "event \($0)" }].compactMap(\.self)
        return "run \(run): " + (place + [reason]).joined(separator: ", ")
    }
}

extension StoredRuns {
    /// Checks the chains of all runs, or of one.
    func verify(_ id: String?) async throws -> ChainFindings {
        var findings = ChainFindings()
        let headers: [RunHeader]
        if let id {
            headers = [try await find(id)]
        } else {
            headers = try await journal.list(RunFilter()).reversed()
            for problem in try await journal.unreadable() {
                findings.runs += 1
                findings.broken.append(
                    ChainFindings.Broken(
                        run: problem.run ?? "?", entry: nil, event: problem.event, reason: problem.reason))
            }
        }
        for header in headers {
            switch await chain(of: header.id) {
            case .success(let chain?):
                findings.add(chain, of: header.id)
                if id != nil { findings.link = chain.link?.text }
            case .success(nil): break
            case .failure(let error):
                guard error.reason == .storeCorrupt else { throw error }
                findings.runs += 1
                findings.broken.append(ChainFindings.Broken(run: header.id, reason: error.told))
            }
        }
        return findings
    }

    /// The chain of a run; nil if it has been removed.
    private func chain(of run: String) async -> Result<EntryChain?, JournalError> {
        do throws(JournalError) { return .success(try await journal.load(run)?.chain) } catch { return .failure(error) }
    }
}

extension ChainFindings {
    fileprivate mutating func add(_ chain: EntryChain, of run: String) {
        runs += 1
        entries += chain.entries
        if let place = chain.broken {
            broken.append(
                Broken(
                    run: run, entry: place.entry, event: place.event,
                    reason: "does not fit the entries before it: it or one of them has been changed"))
        } else if chain.unchained > 0 {
            unchained.append((run, chain.link == nil ? nil : chain.unchained + 1))
        }
    }
}
