internal import ArgumentParser
internal import FlatValue
internal import HostEffects
internal import JSONSchema
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Load scripts and say all that is wrong with them, without running anything.",
        discussion: """
            Where the schemas tell, an output that cannot be the input of what follows it is a problem too.

            EXAMPLES
              aikit-lua check weather.lua
              aikit-lua check workflows/*.lua --json

            Files of tests, which end in _test.lua, are left to aikit-lua test.
            """)

    @Argument(help: "Scripts.", completion: .file(extensions: ["lua"]), transform: namedPath)
    var scripts: [String]

    @Flag(help: "Print what was found as JSON on standard output.")
    var json = false

    /// What a script came to.
    private struct Finding: Sendable {
        var path: String
        var workflows: [Workflow] = []
        var problems: [Problem] = []
        /// It is a file of tests, which are not checked here.
        var isTest: Bool { path.hasSuffix(TestDiscovery.suffix) }
        /// The permissions that it says it needs.
        var required = Permissions()

        var isGood: Bool { !problems.contains { $0.severity == .error } }

        var value: Value {
            let workflows = workflows.map { workflow in
                var entries = [("id", Value(workflow.id))]
                if let text = workflow.description { entries.append(("description", Value(text))) }
                return Value(entries: entries)
            }
            var entries: [(String, Value)] = [
                ("path", Value(path)), ("ok", Value(isGood)), ("problems", Value(array: problems.map(\.value))),
                ("workflows", Value(array: workflows)),
            ]
            if isTest { entries.append(("isTest", true)) }
            if required != Permissions() { entries.append(("requires", required.grant)) }
            return Value(entries: entries)
        }
    }

    func run() throws {
        let findings = waitFor { [scripts] in
            let engine = WorkflowEngine(workers: 1)
            var findings: [Finding] = []
            for path in scripts {
                let finding = Finding(path: path)
                findings.append(finding.isTest ? finding : await Self.check(path, on: engine))
            }
            return findings
        }
        let isGood = findings.allSatisfy(\.isGood)
        if json {
            let report: Value = ["ok": Value(isGood), "scripts": Value(array: findings.map(\.value))]
            TextStream.output.writeLine(report.prettyJSON)
        } else {
            for finding in findings { show(finding) }
        }
        if !isGood { throw ExitStatus.usage.code }
    }

    private static func check(_ path: String, on engine: WorkflowEngine) async -> Finding {
        let options = LuaScriptOptions(print: { TextStream.errors.writeLine($0) })
        do throws(ScriptError) {
            let script = try await LuaScript.load(path: path, on: engine, options: options)
            let issues = script.warnings + script.findings
            return Finding(
                path: path, workflows: script.workflows, problems: issues.map(Problem.init),
                required: script.required)
        } catch {
            return Finding(path: path, problems: aikit_lua.problems(of: error))
        }
    }

    private func show(_ finding: Finding) {
        let errors = TextStream.errors
        errors.show(finding.problems)
        guard finding.isGood else { return }
        let style = Style(errors)
        if finding.isTest { return errors.writeLine(style("–", .dim) + " \(finding.path): tests, for aikit-lua test") }
        let ids = finding.workflows.map { "\($0.id) (\(counted($0.plan.nodes.count - 1, "step")))" }
        errors.writeLine(style("✓", .green) + " \(finding.path): " + ids.joined(separator: ", "))
        if finding.required != Permissions() { errors.writeLine("  needs" + finding.required.arguments) }
    }
}
