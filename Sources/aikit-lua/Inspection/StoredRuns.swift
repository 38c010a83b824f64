internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// The runs of a store as commands look for them, with the code that they began with.
struct StoredRuns: Sendable {
    let journal: any LastingStore

    init(_ journal: any LastingStore) { self.journal = journal }

    /// The store for people: the path of its file, or the address of its database.
    var path: String { journal.name }

    // MARK: Finding

    /// The run of an id, or the only one whose id begins with it.
    ///
    /// - Throws: ``UsageError`` that names what is near, or what there is to choose from.
    func find(_ id: String) async throws -> RunHeader {
        if let header = try await journal.header(of: id) { return header }
        let all = try await journal.list(RunFilter())
        let matches = id.isEmpty ? [] : all.filter { $0.id.hasPrefix(id) }
        if matches.count == 1 { return matches[0] }
        if matches.count > 1 {
            var problem = Problem("\(matches.count) runs begin with '\(id)'; give more of the id")
            problem.notes = matches.prefix(5).map { "\($0.id)  \($0.workflow)  \($0.status.rawValue)" }
            throw UsageError(problem)
        }
        let hint =
            nearest(to: id, in: all.map(\.id)).map { "did you mean '\($0)'?" }
            ?? "aikit-lua runs list shows those that there are"
        throw UsageError("there is no run '\(id)' in \(path); \(hint)")
    }

    /// The ids in the nearest store that begin with a text, the newest first: what a shell offers.
    static func ids(from prefix: String) -> [String] {
        guard let path = try? StoreLocation.existing(nil), let journal = try? StoreLocation.at(path).openForLooking()
        else { return [] }
        return waitFor {
            let runs = (try? await journal.list(RunFilter())) ?? []
            await journal.close()
            return runs.lazy.map(\.id).filter { $0.hasPrefix(prefix) }.prefix(100).map { $0 }
        }
    }

    // MARK: Code

    /// The files of a generation, as the run of a header began with them.
    func code(of header: RunHeader) async throws -> ScriptBundle {
        guard let stored = try await journal.generation(header.generation), let bundle = ScriptBundle(stored: stored)
        else { throw UsageError("the code that run \(header.id) began with is not in \(path)") }
        return bundle
    }

    /// The workflow of a run, from the generation that it began with.
    func workflow(of header: RunHeader, on engine: WorkflowEngine) async throws -> Workflow {
        try await StoredScripts(journal, on: engine, options: StoredRuns.quietOptions).workflow(of: header)
    }

    /// A run with everything that it recorded.
    func load(_ header: RunHeader) async throws -> RunRecord {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let plan = try await workflow(of: header, on: engine).plan
        guard let stored = try await journal.load(header.id) else {
            throw UsageError("run \(header.id) has been removed from \(path)")
        }
        return try RunRecord(stored, plan: plan)
    }

    /// What a script prints or logs while it is loaded only to be looked at goes nowhere.
    static var quietOptions: LuaScriptOptions { LuaScriptOptions(print: { _ in }, log: { _ in }) }
}
