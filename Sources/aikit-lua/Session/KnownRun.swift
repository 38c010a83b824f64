internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// A run of the store that a command line names by its id as if it were to begin.
struct KnownRun {
    private let header: RunHeader
    private let runs: StoredRuns

    init(_ header: RunHeader, in runs: StoredRuns) {
        self.header = header
        self.runs = runs
    }

    /// An id stands for one piece of work: what is asked for under it has to be what was asked for first.
    ///
    /// - Parameter plan: with what it is asked for.
    /// - Throws: ``UsageError`` that says what differs.
    func requireSame(_ workflow: Workflow, of script: LuaScript, _ plan: RunPlan) async throws {
        try requireSame(workflow: workflow.id)
        // An edited script stays the same one; a run goes on with the code that it began with.
        if header.generation != script.generationID { try await requireSameFile(as: script.path) }
        if plan.isInputGiven { try await requireSame(input: plan.input) }
        // What the workflow itself says of them is the same while the code is.
        guard header.generation == script.generationID, plan.metadata != nil || plan.ctx != nil,
            let recorded = header.origin.inputDigest,
            let input = plan.isInputGiven ? plan.input : try await recordedInputs()?.first
        else { return }
        let digest = WorkflowRun.inputDigest(of: workflow, input: input, metadata: plan.metadata, ctx: plan.ctx)
        if digest != recorded { throw refusal("began with other metadata or another ctx") }
    }

    /// The same for a script that cannot be loaded any more: the run goes on with the code that it began with.
    ///
    /// - Parameters:
    ///   - workflow: the id that is asked for; nil where none is named.
    ///   - error: why the script cannot be loaded, which is thrown where more is asked for than the run may do.
    func requireSame(workflow: String?, path: String, input: Value?, permissions: Permissions, error: ScriptError)
        async throws
    {
        if let workflow { try requireSame(workflow: workflow) }
        try await requireSameFile(as: path)
        try await requireSame(input: input)
        guard Permissions(grant: header.origin.grant).covers(permissions) else { throw error }
    }

    private func requireSame(workflow: String) throws(UsageError) {
        if header.workflow == workflow { return }
        throw refusal("is one of workflow '\(header.workflow)', not of '\(workflow)'")
    }

    private func requireSameFile(as path: String) async throws {
        let began = try await runs.code(of: header).script.path
        if Self.name(of: began) == Self.name(of: path) { return }
        throw refusal("began with the workflow '\(header.workflow)' of \(began), whose code is not that of \(path)")
    }

    private func requireSame(input: Value?) async throws {
        guard let input, let recorded = try await recordedInputs(), !recorded.contains(input) else { return }
        throw refusal(
            "began with another input", notes: ["then: \(Self.short(recorded[0]))", "now:  \(Self.short(input))"])
    }

    /// A run keeps the permissions that it began with: fewer would fail it, and more are for code that has been
    /// looked at.
    ///
    /// - Parameter permissions: those of the command line; none leaves the run what it has.
    func requirePermissions(_ permissions: Permissions, of script: LuaScript) throws(UsageError) {
        guard permissions != Permissions(), !header.status.isTerminal else { return }
        let recorded = Permissions(grant: header.origin.grant)
        guard permissions.covers(recorded) else {
            throw refusal("began with\(recorded.arguments), which is more", notes: ["without --allow-… it keeps them"])
        }
        if recorded.covers(permissions) || header.generation == script.generationID { return }
        let command = "aikit-lua runs recover \(shellQuoted(header.id))\(StoreLocation.at(runs.path).arguments)"
        throw refusal(
            "began with fewer permissions, and its code is not that of \(script.path)",
            notes: ["to give its own code more: \(command)\(permissions.arguments)"])
    }

    private func refusal(_ text: String, notes: [String] = []) -> UsageError {
        var problem = Problem("run '\(header.id)' \(text)", code: "run_differs")
        problem.notes = notes + ["another --run-id begins another run"]
        return UsageError(problem)
    }

    /// The run's input as it was given, and as its schema made it; nil while nothing of the run is recorded.
    private func recordedInputs() async throws -> [Value]? {
        guard let stored = try await runs.journal.load(header.id), !stored.events.isEmpty else { return nil }
        let parsed = stored.payloads(of: [.workflowStart]).first
        // A run's first bytes are its input as it came.
        let given = EncodedValue.first(of: stored.arena)
        let inputs = [given, parsed].compactMap { $0 }
        return inputs.isEmpty ? nil : inputs
    }

    private static func name(of path: String) -> Substring { path.split(separator: "/").last ?? "" }

    private static func short(_ value: Value) -> String {
        let text = value.json
        return text.count > 100 ? text.prefix(99) + "…" : text
    }
}

/// Values at the front of bytes that come from outside.
enum EncodedValue {
    /// The value with which bytes begin; nil if they begin with none.
    static func first(of bytes: [UInt8]) -> Value? {
        guard let tag = bytes.first.flatMap(ValueTag.init) else { return nil }
        func word(_ offset: Int) -> Int? {
            guard bytes.count >= offset + 4 else { return nil }
            return bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        let length: Int? =
            switch tag {
            case .null, .false, .true, .emptyTable: 1
            case .int, .double: 9
            case .string: word(1).map { $0 + 5 }
            case .array, .object: word(5).map { $0 + 9 }
            }
        guard let length, length <= bytes.count else { return nil }
        return try? Value(validating: Array(bytes.prefix(length)))
    }
}
