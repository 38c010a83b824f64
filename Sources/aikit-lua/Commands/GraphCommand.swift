internal import ArgumentParser
internal import JSONSchema
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowDiagram
internal import WorkflowEngine

struct GraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draw a workflow.",
        discussion: """
            With --run each node has the colour of what became of it in that run: of its last start, or failed if one of
            them failed. The workflow is then drawn as it was when the run began.

            EXAMPLES
              aikit-lua graph weather.lua > weather.mmd
              aikit-lua graph weather.lua --format svg > weather.svg
              aikit-lua graph weather.lua --format dot | dot -Tpng -o weather.png
              aikit-lua graph --run order-7 --format svg > order-7.svg
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case mermaid, dot, json, svg
    }

    @Argument(help: "The script; not needed with --run.", completion: .file(extensions: ["lua"]), transform: namedPath)
    var script: String?

    @Option(help: ArgumentHelp("mermaid, dot, json or svg.", valueName: "format"))
    var format = Format.mermaid

    @Option(help: ArgumentHelp("The workflow to draw, where the script has several.", valueName: "id"))
    var workflow: String?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The id of a run, or the beginning of it, whose steps are coloured.", valueName: "run"))
    var runID: String?

    @OptionGroup var store: StoreChoice

    func validate() throws {
        if script == nil, runID == nil { throw ValidationError("name a script, or a run with --run") }
    }

    func run() throws {
        let (plan, steps, isOver) = try runID.map(planAndSteps) ?? (plan(), [], false)
        let text =
            switch format {
            case .mermaid: WorkflowGraph.mermaid(plan, steps: steps)
            case .dot: WorkflowGraph.dot(plan, steps: steps)
            case .json: WorkflowGraph.json(plan, steps: steps)
            case .svg: WorkflowGraph.svg(plan, steps: steps, isOver: isOver)
            }
        TextStream.output.write(text.hasSuffix("\n") ? text : text + "\n")
    }

    /// The workflow of the script.
    private func plan() throws -> Plan { try choose(workflow, in: try loadWorkflows(script ?? "")).plan }

    /// The workflow that a run began with, and what became of its steps.
    private func planAndSteps(of run: String) throws -> (Plan, [StepSnapshot], isOver: Bool) {
        var place = store
        if place.store == nil, let script {
            // A script keeps its runs beside it.
            if case .file(let path) = try StoreLocation(nil, beside: script) { place.store = path }
        }
        return try place.withRuns(looking: true) { runs in
            let record = try await runs.load(try await runs.find(run))
            return (record.plan, record.result().steps, isOver: record.status.isTerminal)
        }
    }
}
