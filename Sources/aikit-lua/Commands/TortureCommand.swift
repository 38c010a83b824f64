internal import ArgumentParser
internal import FlatValue
internal import HostEffects
internal import JSONSchema
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

struct TortureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "torture",
        abstract: "Kill a workflow's process state at every write of its journal, and see that it ends the same.",
        discussion: """
            The workflow runs once to count the writes, then once for each: there its state dies, another engine recovers it
            from the store on disk, and the result has to be the same, with no code of a step, and none
            that undoes one, called again after its success was recorded. Delays take no time. Steps that wait for a person or an
            event get their answers from the command line; one that has none and a timeout waits until that.

            The report on standard output is { ok, workflowId, status, writes, kills, differences, repeated }. Exit status: 0
            all is well, 1 something differs, 2 the workflow cannot be run. A step that reads the time or chance gives other
            results each time, which is told as a difference.

            EXAMPLES
              aikit-lua torture order.lua --input @order.json
              aikit-lua torture expense.lua --answer 'limit/approval={"decision":"approve"}'
              aikit-lua torture orders.lua --answers answers.json --kills 50
            """)

    @Argument(help: "The script.", completion: .file(extensions: ["lua"]), transform: namedPath)
    var script: String

    @Option(help: ArgumentHelp("The workflow to run, where the script has several.", valueName: "id"))
    var workflow: String?

    @Option(help: ArgumentHelp("The workflow's input.", valueName: "json|@file|-"))
    var input: String?

    @Option(
        name: .customLong("answer"),
        help: ArgumentHelp("What a step that waits gets, by its path or id (repeatable).", valueName: "path=json"))
    var answers: [String] = []

    @Option(
        name: .customLong("answers"),
        help: ArgumentHelp("A file with such answers: an object by path or id.", valueName: "file"))
    var answerFile: String?

    @Option(help: ArgumentHelp("Die at this many writes, spread over all, instead of at each.", valueName: "n"))
    var kills: Int?

    @Option(
        help: ArgumentHelp(
            "A place in the result that may differ, such as /job/id, for what comes from time or chance (repeatable).",
            valueName: "pointer"))
    var ignore: [String] = []

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        let report = try torture()
        TextStream.output.writeLine(report.value.prettyJSON)
        let style = Style(.errors)
        let summary =
            report.isGood
            ? style("✓", .green)
                + " \(report.workflow) ended \(report.status) after each of \(counted(report.kills, "death"))"
            : style("✗", .red) + " \(report.workflow) did not end the same after "
                + "\(report.differences.count + report.repeated.count) of \(counted(report.kills, "death"))"
        TextStream.errors.writeLine(summary)
        if !report.isGood { throw ExitStatus.failed.code }
    }

    private func torture() throws -> TortureReport {
        let input = try input.map { text throws(UsageError) in try JSONArgument.read(text, option: "--input") }
        let answers = try readAnswers()
        if let kills, kills < 1 { throw UsageError("--kills takes a number of at least 1, got \(kills)") }
        let (permissions, secrets) = (permissions.permissions, try permissions.secretSettings.open())
        Interrupts.install { TortureFolder.leave(Interrupts.status(of: $0)) }
        TortureFolder.sweep()
        let (path, workflow, kills, ignore) = (script, workflow, kills, ignore)
        let result = waitFor { () -> Result<TortureReport, any Error> in
            do {
                let engine = WorkflowEngine(workers: 1)
                defer { engine.shutdown() }
                let script = try await LuaScript.load(path: path, on: engine, options: StoredRuns.quietOptions)
                let chosen = try choose(workflow, in: script.workflows)
                try Self.check(answers.keys, against: chosen.plan)
                let id = chosen.id
                let trial = TortureTrial(
                    bundle: script.bundle, workflow: id, input: input ?? .emptyObject, answers: answers,
                    permissions: permissions, secrets: secrets)
                return .success(try await TortureReport.make(of: trial, kills: kills, ignoring: ignore))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Refuses answers that no step can wait for.
    private static func check(_ paths: some Sequence<String>, against plan: Plan) throws(UsageError) {
        let waiting = plan.nodes.indices.filter { plan.nodes[$0].kind == .human || plan.nodes[$0].kind == .waitFor }
        let known = waiting.map { plan.details[$0].id }
        for path in paths {
            let id = String(path.split(separator: "/").last ?? "").replacing(#/\[\d+\]/#, with: "")
            if known.contains(id) { continue }
            let hint =
                nearest(to: id, in: known).map { "did you mean '\($0)'?" }
                ?? (known.isEmpty ? "none does" : "there are: \(known.joined(separator: ", "))")
            throw UsageError("--answer: no step '\(path)' waits for a person or an event; \(hint)")
        }
    }

    private func readAnswers() throws(UsageError) -> [String: Value] {
        var result: [String: Value] = [:]
        if let answerFile {
            for entry in try JSONArgument.readObject("@" + answerFile, option: "--answers").entries ?? [] {
                result[entry.key] = entry.value
            }
        }
        for answer in answers {
            guard let equals = answer.firstIndex(of: "="), equals > answer.startIndex else {
                throw UsageError(
                    "--answer takes a path and JSON, such as approve='{\"decision\":\"send\"}', got '\(answer)'")
            }
            let text = String(answer[answer.index(after: equals)...])
            result[String(answer[..<equals])] = try JSONArgument.read(text, option: "--answer")
        }
        return result
    }
}
