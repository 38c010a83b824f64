internal import ArgumentParser
internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

struct RunsUpgradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Move a run that waits to other code, if all that it recorded fits.",
        discussion: """
            A run goes on with the code that it began with. This moves it to the code of a script: every finished step has to be
            there under the same path and id, in the same order, and its recorded input and output have to fit the schemas.
            What does not fit is named, and such a run stays as it is. Exit status: 0 all fit, 2 some do not.

            EXAMPLES
              aikit-lua runs upgrade order-7 --to order.lua --dry-run
              aikit-lua runs upgrade order-7 --to order.lua
              aikit-lua runs upgrade --all --workflow order --to order.lua --json
            """)

    @Argument(help: ArgumentHelp("The run's id, or the beginning of it.", valueName: "run"))
    var target: String?

    @Option(
        help: ArgumentHelp("The script with the new code.", valueName: "script"), completion: .file(extensions: ["lua"])
    )
    var to: String

    @Flag(help: "Move every run of the workflow that is not over.")
    var all = false

    @Option(help: ArgumentHelp("With --all: the workflow, where the script has several.", valueName: "id"))
    var workflow: String?

    @Flag(help: "Say what fits, and move nothing.")
    var dryRun = false

    @Flag(help: "Print what was found as JSON.")
    var json = false

    @OptionGroup var store: StoreChoice

    func validate() throws {
        if (target == nil) != all { throw ValidationError("name one run, or give --all") }
    }

    func run() throws {
        let (id, path, workflow, dryRun) = (target, to, workflow, dryRun)
        let findings = try store.withRuns { runs in
            let upgrader = try await RunUpgrader(script: path, runs: runs, dryRun: dryRun)
            return try await upgrader.upgrade(id, workflow: workflow)
        }
        if json {
            TextStream.output.writeLine(Value(array: findings.map(\.value)).prettyJSON)
        } else {
            let style = Style(.errors)
            if findings.isEmpty { TextStream.errors.writeLine("no runs to upgrade") }
            for finding in findings { TextStream.errors.writeLine(finding.text(style, to: to, dryRun: dryRun)) }
        }
        if findings.contains(where: { !$0.fits || $0.isBlocked }) { throw ExitStatus.usage.code }
    }
}

/// Moves runs of a store to the code of one script.
private struct RunUpgrader {
    /// What came of one run.
    struct Finding: Sendable {
        var run: String
        var steps: [Upgrade.Step] = []
        var misfit: Misfit?
        /// Why the run stays as it is whatever fits, such as that it is driven.
        var note: String?
        /// The run cannot be moved now, which the note explains.
        var isBlocked = false
        var fits: Bool
        var isMoved = false

        var value: Value {
            var entries: [(String, Value)] = [
                ("runId", Value(run)), ("fits", Value(fits)), ("moved", Value(isMoved)),
                (
                    "steps",
                    Value(
                        array: steps.map { step in
                            var entries: [(String, Value)] = [
                                ("path", Value(step.path)), ("status", Value(step.status)),
                                ("fits", Value(step.misfit == nil)),
                            ]
                            if let misfit = step.misfit {
                                entries += [
                                    ("code", Value(misfit.kind.rawValue)), ("message", Value(misfit.message)),
                                ]
                            }
                            return Value(entries: entries)
                        })
                ),
            ]
            if let problem { entries.append(("message", Value(problem))) }
            return Value(entries: entries)
        }

        private var problem: String? { note ?? misfit?.description }

        func text(_ style: Style, to script: String, dryRun: Bool) -> String {
            var lines: [String] = []
            for step in steps {
                let sign = step.misfit == nil ? style("✓", .green) : style("✗", .red)
                lines.append("  \(sign) \(step.path)" + (step.misfit.map { ": " + $0.message } ?? ""))
            }
            if let problem { lines.append("  " + problem) }
            let verdict =
                isMoved
                ? "goes on with \(script)"
                : !fits ? "does not fit \(script)" : note == nil ? "would go on with \(script)" : "stays as it is"
            let sign = fits && !isBlocked ? style("✓", .green) : style("✗", .red)
            lines.insert("\(sign) run \(run) \(verdict)", at: 0)
            return lines.joined(separator: "\n")
        }
    }

    private let runs: StoredRuns
    private let engine = WorkflowEngine(workers: 1)
    private let script: LuaScript
    private let dryRun: Bool

    init(script path: String, runs: StoredRuns, dryRun: Bool) async throws {
        self.runs = runs
        self.dryRun = dryRun
        script = try await LuaScript.load(path: path, on: engine, options: StoredRuns.quietOptions)
    }

    func upgrade(_ id: String?, workflow: String?) async throws -> [Finding] {
        defer { engine.shutdown() }
        if let id {
            let header = try await runs.find(id)
            if header.status.isTerminal {
                throw UsageError(
                    "run \(header.id) is over (\(header.status.rawValue)); fork it to run its steps with other code")
            }
            return [try await upgrade(header)]
        }
        let living = Set(RunMachine.Status.allCases.filter { !$0.isTerminal })
        let target = try choose(workflow, in: script.workflows)
        var findings: [Finding] = []
        for header in try await runs.journal.list(RunFilter(workflow: target.id, statuses: living)) {
            findings.append(try await upgrade(header))
        }
        return findings
    }

    private func upgrade(_ header: RunHeader) async throws -> Finding {
        if header.generation == script.generationID {
            return Finding(run: header.id, note: "it is on this code already", fits: true)
        }
        let definition = try choose(header.workflow, in: script.workflows)
        let old = try await runs.workflow(of: header, on: engine).plan
        func looked() async throws -> Finding {
            guard let stored = try await runs.journal.load(header.id) else {
                throw UsageError("run \(header.id) is gone")
            }
            let record = try RunRecord(stored, plan: old)
            return finding(header.id, Upgrade(record.log, from: old, to: definition.plan), isMoved: false)
        }
        if dryRun { return try await looked() }
        switch try await runs.journal.claim(header.id) {
        case .missing, .over: return Finding(run: header.id, note: "it has ended meanwhile", fits: true)
        case .owned(let header):
            var finding = try await looked()
            finding.note =
                "it is \(header.status == .running ? "running in" : "driven by") process "
                + "\(header.owner?.name ?? "unknown"): stop that process first, or have it move the run if it is a "
                + "server (POST /api/runs/\(header.id)/upgrade)"
            finding.isBlocked = true
            return finding
        case .claimed(let claimed):
            let upgrade = try await runs.journal.holding(claimed) {
                // Another process may have moved it meanwhile.
                let old = try await runs.workflow(of: claimed.stored.header, on: engine).plan
                try await runs.journal.save(script.stored)
                return try await runs.journal.upgrade(
                    claimed.journaled, claimed.stored, from: old, to: definition, at: SystemClock().now())
            }
            try await runs.journal.release([claimed.journaled])
            return finding(header.id, upgrade, isMoved: upgrade.fits)
        }
    }

    private func finding(_ id: String, _ upgrade: Upgrade, isMoved: Bool) -> Finding {
        Finding(run: id, steps: upgrade.steps, misfit: upgrade.misfit, fits: upgrade.fits, isMoved: isMoved)
    }
}
