internal import ArgumentParser
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what the program runs on, and what is known to be wrong with it.",
        discussion: """
            Bugs of the linked Lua library that can crash the process are tried out in a child process.

            EXAMPLES
              aikit-lua doctor
              aikit-lua doctor --json
            """)

    @Flag(help: "Print what was found as JSON on standard output.")
    var json = false

    @Option(help: .hidden)
    var probe: LuaProbe?

    func run() throws {
        if let probe { return try probe.provoke() }
        var findings = Platform.findings + [SandboxFinding.finding]
        for probe in LuaProbe.allCases { findings.append(probe.finding()) }
        if json {
            let isGood = findings.allSatisfy { $0.state != .bad }
            let report: Value = [
                "ok": Value(isGood), "version": Value(engineVersion), "findings": Value(array: findings.map(\.value)),
            ]
            TextStream.output.writeLine(report.prettyJSON)
        } else {
            let style = Style(.output)
            let width = findings.map(\.name.count).max() ?? 0
            for finding in findings { TextStream.output.writeLine(finding.line(style, width: width)) }
        }
    }
}

/// One thing that `doctor` looked at.
struct Finding {
    enum State: String {
        case good
        /// It works, but not as well as it could.
        case doubtful
        case bad
    }

    var name: String
    var text: String
    var state = State.good
    /// What can be done about it.
    var advice: String?

    var value: Value {
        var entries = [("name", Value(name)), ("text", Value(text)), ("state", Value(state.rawValue))]
        if let advice { entries.append(("advice", Value(advice))) }
        return Value(entries: entries)
    }

    func line(_ style: Style, width: Int) -> String {
        let mark =
            switch state {
            case .good: style("✓", .green)
            case .doubtful: style("!", .yellow)
            case .bad: style("✗", .red)
            }
        let padding = String(repeating: " ", count: width - name.count)
        return "\(mark) \(name)\(padding)  \(text)" + (advice.map { "\n  " + style($0, .dim) } ?? "")
    }
}
