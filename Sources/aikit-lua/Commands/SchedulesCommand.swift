internal import ArgumentParser
internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

struct SchedulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules",
        abstract: "Show when the schedules of a script begin their runs.",
        discussion: """
            Times are those of the schedule's own zone and of this machine. Runs begin while 'aikit-lua serve' serves the
            script.

            EXAMPLES
              aikit-lua schedules report.lua
              aikit-lua schedules report.lua --count 3 --from 2026-03-28
              aikit-lua schedules report.lua --json
            """)

    @Argument(help: "The script.", completion: .file(extensions: ["lua"]), transform: namedPath)
    var script: String

    @Option(help: ArgumentHelp("How many times of each, up to 1000.", valueName: "number"))
    var count = 10

    @Option(
        help: ArgumentHelp(
            "Times after this moment: 2026-11-23, 2026-11-23T06:30Z, or a duration before now such as 2h.",
            valueName: "time"))
    var from: String?

    @Flag(help: "Print JSON on standard output.")
    var json = false

    func validate() throws {
        guard (1...1000).contains(count) else { throw ValidationError("--count goes from 1 to 1000") }
    }

    func run() throws {
        let now = SystemClock().now()
        var start = now
        if let from {
            guard let time = TimeText.microseconds(from, before: now) else {
                throw UsageError(
                    "--from takes a date such as 2026-11-23, a time, or a duration such as 2h, got '\(from)'")
            }
            start = time
        }
        let workflows = try loadWorkflows(script).filter { !$0.plan.schedules.isEmpty }
        if json {
            let list = workflows.flatMap { workflow in workflow.plan.schedules.map { value($0, of: workflow, start) } }
            let report: Value = ["schedules": Value(array: list)]
            return TextStream.output.writeLine(report.prettyJSON)
        }
        if workflows.isEmpty {
            TextStream.errors.writeLine(
                "\(script) has no schedules; give a workflow some: schedules = { { id = \"daily\", cron = \"0 9 * * *\" } }"
            )
        }
        let style = Style(TextStream.output)
        for workflow in workflows {
            for schedule in workflow.plan.schedules {
                TextStream.output.writeLine(
                    style("\(workflow.id):\(schedule.id)", .bold) + "  \(ShownText.line(schedule.text))")
                for time in schedule.times(after: start, count: count) {
                    TextStream.output.writeLine("  " + moment(time, schedule))
                }
            }
        }
    }

    /// A time in the zone of its schedule, and in the machine's behind it.
    private func moment(_ time: Int64, _ schedule: Schedule) -> String {
        let here = TimeText.text(microseconds: time)
        guard case .cron(_, let name) = schedule.timing, let zone = NamedTimeZone(name) else { return here }
        let there = TimeText.text(microseconds: time, ahead: zone.offset(at: Int(time / 1_000_000)))
        return there == here ? there : "\(there)  \(here)"
    }

    private func value(_ schedule: Schedule, of workflow: Workflow, _ start: Int64) -> Value {
        [
            "workflow": Value(workflow.id), "id": Value(schedule.id), "text": Value(schedule.text),
            "times": Value(
                array: schedule.times(after: start, count: count).map { time in
                    Value(TimeText.text(microseconds: time, ahead: 0).split(separator: " ").joined(separator: "T"))
                }),
        ]
    }
}
