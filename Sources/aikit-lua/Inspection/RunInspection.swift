internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// All that can be told of a stored run.
struct RunInspection: Sendable {
    let header: RunHeader
    let result: RunResult
    let plan: Plan
    /// The run's input after its schema.
    let input: Value
    let code: CodeState
    let waits: [RunWait]
    /// The command that goes on with the run when nobody drives it.
    let recovery: String
    /// Where the run branched off another one, and why.
    let origin: Value?
    /// What its steps logged, in order.
    let logs: [LogRecord]
    /// Where it stands in the queue.
    let place: QueuePlace?
    /// What its models have used.
    let usage: ModelUsage

    /// - Parameter redacts: whether it is told without what schemas call secret.
    init(
        header: RunHeader, record: RunRecord, code: ScriptBundle, place: QueuePlace?, store: String, redacts: Bool
    ) {
        self.place = place
        self.header = header
        plan = record.plan
        let redaction = redacts ? record.redaction : Redaction()
        result = record.result().redacted(by: redaction)
        self.code = CodeState(code)
        waits = RunWait.waits(of: result, plan: record.plan, runID: header.id, store: store)
        recovery = "aikit-lua runs recover \(shellQuoted(header.id))" + StoreLocation.at(store).arguments
        let log = record.log
        logs = record.logs
        usage = log.usage
        let start = (0..<log.count).first { log[$0].kind == .workflowStart }
        let held = (0..<log.count).first { log[$0].kind == .queued || log[$0].kind == .limitsSet }
        let given = start.flatMap { log.copy(log[$0].payload) } ?? held.flatMap { log.copy(log[$0].payload)?["input"] }
        input = redaction.redact(given ?? .null)
        let resumed = (0..<log.count).reversed().first { index in
            log[index].kind == .workflowResumed && log.copy(log[index].payload)?["run"]?.string == header.lineage
        }
        origin = header.lineage == nil ? Value?.none : resumed.flatMap { log.copy(log[$0].payload) }
    }

    var value: Value {
        var entries: [(String, Value)] = [
            ("runId", Value(header.id)), ("workflowId", Value(header.workflow)), ("input", input),
            ("generation", code.value(hash: header.generation)),
        ]
        if let lineage { entries.append(("lineage", lineage)) }
        if let owner = header.owner { entries.append(("owner", Value(owner.name))) }
        if header.isAbandoned { entries.append(("processGone", true)) }
        if header.isResting { entries.append(("wakeAt", Value(header.wakeAt / 1000))) }
        if let place { entries.append(("queue", place.value)) }
        entries.append(("waits", Value(array: waits.map(\.value))))
        if usage.calls > 0 { entries.append(("usage", usage.value)) }
        if !logs.isEmpty { entries.append(("logs", Value(array: logs.map(\.value)))) }
        return Value(entries: entries + (result.value.entries ?? []).map { ($0.key, $0.value) })
    }

    /// `{ runId, reason?, path? }` of the run that this one came from.
    private var lineage: Value? {
        guard let from = header.lineage else { return nil }
        var entries: [(String, Value)] = [("runId", Value(from))]
        for key in ["reason", "path"] {
            if let value = origin?[key] { entries.append((key, value)) }
        }
        return Value(entries: entries)
    }
}

/// How the code that a run began with compares with the files of now.
struct CodeState: Sendable {
    let script: String
    private let bundle: ScriptBundle
    /// The files that are not what they were, each with `changed` or `missing`.
    let differences: [(path: String, state: String)]

    init(_ bundle: ScriptBundle) {
        script = bundle.script.path
        self.bundle = bundle
        differences = bundle.files.compactMap { file in
            switch FileText.read(file.path, limit: 16 << 20) {
            case .success(let bytes): bytes == file.source ? nil : (file.path, "changed")
            case .failure: (file.path, "missing")
            }
        }
    }

    func value(hash: String) -> Value {
        [
            "hash": Value(hash), "script": Value(script), "changed": Value(!differences.isEmpty),
            "differences": Value(entries: differences.map { ($0.path, Value($0.state)) }),
        ]
    }

    /// A line of a file as the run has it.
    func line(_ number: Int, of path: String) -> String? { bundle.line(number, of: path) }

    /// `weather.lua, unchanged since`, or what has become of it.
    var text: String {
        if differences.isEmpty { return "\(script), unchanged since" }
        let list = differences.map { "\($0.path) \($0.state == "missing" ? "is not there" : "has changed since")" }
        return "\(script) (\(list.joined(separator: ", ")))"
    }
}

/// Something that a run waits for, and the command that brings it.
struct RunWait: Sendable {
    enum Kind: String {
        case human, event, time
    }

    var kind: Kind
    var path: String
    /// What the person is shown, the event's name, the time.
    var entries: [(String, Value)]
    /// What to call; nil for what comes by itself.
    var command: String?

    /// The name of the event that it is.
    var event: String? { entries.first { $0.0 == "event" }?.1.string }

    var value: Value {
        var entries: [(String, Value)] = [("kind", Value(kind.rawValue)), ("path", Value(path))] + entries
        if let command { entries.append(("command", Value(command))) }
        return Value(entries: entries)
    }

    static func waits(of result: RunResult, plan: Plan, runID: String, store: String) -> [RunWait] {
        let place = StoreLocation.at(store).arguments
        var waits = result.pending.map { pending in
            let answer = AnswerCommand(pending: pending, result: result, plan: plan, runID: runID)
            let command = "aikit-lua \(answer.text)" + place
            var entries: [(String, Value)] = []
            if let output = pending.output { entries.append(("output", output)) }
            if let form = pending.form { entries.append(("form", form)) }
            entries.append(("requestedAt", Value(pending.requestedAt)))
            return RunWait(kind: .human, path: pending.path, entries: entries, command: command)
        }
        for step in result.steps where step.status == .waiting {
            if plan.nodes[Int(step.node)].kind == .waitFor, let event = plan.details[Int(step.node)].event {
                let command = "aikit-lua signal \(shellQuoted(runID)) \(shellQuoted(event))" + place
                waits.append(
                    RunWait(kind: .event, path: step.path, entries: [("event", Value(event))], command: command))
            } else {
                waits.append(RunWait(kind: .time, path: step.path, entries: []))
            }
        }
        return waits
    }
}

extension ScriptBundle {
    /// A line of one of its files, counted from 1.
    func line(_ number: Int, of path: String) -> String? {
        guard let file = files.first(where: { $0.path == path }) else { return nil }
        let lines = file.source.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.indices.contains(number - 1) ? String(decoding: lines[number - 1], as: UTF8.self) : nil
    }
}
