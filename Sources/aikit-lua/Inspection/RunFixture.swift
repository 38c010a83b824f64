internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// A stored run as a fixture, and the test that replays it on the code of now.
struct RunFixture {
    private let header: RunHeader
    private let record: RunRecord
    private let script: String
    /// Whether the script has other workflows besides.
    private let isOneOfSeveral: Bool

    init(header: RunHeader, record: RunRecord, script: String, workflows: Int) {
        self.header = header
        self.record = record
        self.script = script
        isOneOfSeveral = workflows > 1
    }

    /// The name of both files, without what cannot stand in the name of a file.
    var name: String {
        String(header.id.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) ? $0 : "-" })
    }

    // MARK: The fixture

    /// The text of ``value``.
    ///
    /// - Throws: ``RunFailure`` with the code `not_enough_memory`.
    func json() throws -> String { try record.telling { value.prettyJSON + "\n" } }

    /// What `test.replay` reads, with what the steps emitted and logged besides.
    private var value: Value {
        let result = record.result()
        var entries: [(String, Value)] = [
            ("workflow", Value(header.workflow)), ("runId", Value(header.id)), ("status", Value(result.status)),
        ]
        if let start = result.startedAt { entries.append(("startedAt", Value(start))) }
        entries += beginning
        if let value = result.result { entries.append(("result", value)) }
        if let error = result.error { entries.append(("error", error)) }
        let ends = self.ends
        entries.append(("steps", Value(array: result.steps.indices.map { step(result.steps[$0], end: ends[$0]) })))
        if !signals.isEmpty { entries.append(("signals", Value(array: signals))) }
        let logs = record.logs
        if !logs.isEmpty { entries.append(("logs", Value(array: logs.map(\.value)))) }
        if !emitted.isEmpty { entries.append(("emitted", Value(array: emitted))) }
        return Value(entries: entries)
    }

    /// Input, metadata and ctx as the run began with them.
    private var beginning: [(String, Value)] {
        var entries: [(String, Value)] = []
        for index in 0..<record.log.count {
            let event = record.log[index]
            let value = record.log.copy(event.payload) ?? .null
            switch event.kind {
            case .metadataSet: entries.append(("metadata", value))
            case .ctxSet: entries.append(("ctx", value))
            case .tagsSet: entries.append(("tags", value))
            case .workflowStart: return entries + [("input", value)]
            default: continue
            }
        }
        return entries
    }

    /// The place of each step among all that have ended, from 1 on, by its place among those that have started.
    private var ends: [Int: Int] {
        var ends: [Int: Int] = [:]
        var open: [Int32: Int] = [:]
        var starts = 0
        for index in 0..<record.log.count {
            let event = record.log[index]
            switch event.kind {
            case .stepStart where event.attempt <= 1:
                open[event.frame] = starts
                starts += 1
            case .stepSuccess, .stepError, .stepCancelled:
                if let start = open.removeValue(forKey: event.frame) { ends[start] = ends.count + 1 }
            default: continue
            }
        }
        return ends
    }

    private func step(_ step: StepSnapshot, end: Int?) -> Value {
        var entries: [(String, Value)] = [
            ("path", Value(step.path)), ("stepId", Value(step.stepID)),
            ("kind", Value(record.plan.nodes[Int(step.node)].kind.name)), ("status", Value(step.status)),
            ("input", step.input),
        ]
        if let output = step.output { entries.append(("output", output)) }
        if let error = step.error { entries.append(("error", error)) }
        if let branch = step.branchID { entries.append(("branchId", branch)) }
        if let time = step.finishedAt, let end {
            entries += [("finishedAt", Value(time)), ("ended", Value(Int64(end)))]
        }
        return Value(entries: entries)
    }

    private var signals: [Value] {
        (0..<record.log.count).compactMap { index in
            guard record.log[index].kind == .signalReceived, let signal = record.log.copy(record.log[index].payload)
            else { return nil }
            return ["event": signal["name"] ?? .null, "payload": signal["payload"] ?? .null]
        }
    }

    private var emitted: [Value] {
        var renderer = EventRenderer(plan: record.plan, runID: header.id)
        return renderer.render(from: 0, log: record.log).filter { $0.kind == .stepEvent }.map { event in
            ["path": Value(event.path ?? ""), "event": event.data ?? .null]
        }
    }

    // MARK: The test

    /// The name by which a test in the working directory, or below it, requires the script.
    ///
    /// - Throws: ``UsageError`` when the script's path is none that a module can have.
    func module() throws(UsageError) -> String {
        var path = script[...]
        while path.hasPrefix("./") { path = path.dropFirst(2) }
        if path.hasPrefix("/") || path.contains("../") {
            path = path[(path.lastIndex(of: "/") ?? path.startIndex)...].dropFirst()
        }
        guard path.hasSuffix(".lua") else {
            throw UsageError("a test cannot require \(script): its name does not end in .lua")
        }
        let name = path.dropLast(4).split(separator: "/").joined(separator: ".")
        guard ScriptFiles.isModuleName(name) else {
            throw UsageError("a test cannot require \(script): '\(name)' is no module name")
        }
        return name
    }

    /// A text as Lua writes it, in one line.
    private static func literal(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || scalar.value == 0x7F {
                let digits = String(scalar.value)
                result += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            } else {
                if scalar == "\"" || scalar == "\\" { result += "\\" }
                result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    func test() throws(UsageError) -> String {
        let module = try module()
        let id = Self.literal(header.workflow)
        let shown = shellQuoted(String(header.id.map { $0.isNewline ? " " : $0 }))
        var lines = [
            "-- Recorded with: aikit-lua runs record \(shown)",
            "-- The recorded results stand in for the steps; the first step that goes otherwise fails the test. To run the code",
            "-- of some steps, name them: test.replay(workflow, \"\(name).json\", { live = { \"step\" } })",
        ]
        if isOneOfSeveral {
            lines += [
                "local workflow", "for _, candidate in pairs(require \"\(module)\") do",
                "  if candidate.id == \(id) then workflow = candidate end", "end",
            ]
        } else {
            lines.append("local workflow = require \"\(module)\"")
        }
        let title = Self.literal("\(header.workflow) goes as run \(header.id) did")
        lines += ["", "it(\(title), function()", "  test.replay(workflow, \"\(name).json\")", "end)"]
        return lines.joined(separator: "\n") + "\n"
    }
}
