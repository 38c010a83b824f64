internal import ArgumentParser
internal import FlatValue
internal import JSONSchema
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

struct SchemaExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print the schemas of a script as JSON Schema.",
        discussion: """
            Prints an object with the workflows by their ids: {kind, input?, output?, steps: {path: {kind, input?, output?}}}.
            With --workflow, or where there is only one and --step is given, it is that of the workflow or the step alone.
            What only this engine knows is left out: what other keys an object keeps, conversions, functions of the script.

            EXAMPLES
              aikit-lua schema export weather.lua
              aikit-lua schema export weather.lua --step fetch-weather --side output > weather.schema.json
            """)

    @Argument(
        help: "The script: a .lua file that returns a workflow.", completion: .file(extensions: ["lua"]),
        transform: namedPath)
    var script: String

    @Option(help: ArgumentHelp("Only this workflow.", valueName: "id"))
    var workflow: String?

    @Option(help: ArgumentHelp("Only this step: its path, or its id where no other has it.", valueName: "path"))
    var step: String?

    @Option(help: ArgumentHelp("Only one schema of the step or the workflow.", valueName: "input|output|response"))
    private var side: SchemaSide?

    @Flag(help: "Keep the engine's own keyword, x-aikit, with which `schema validate` does all that the engine does.")
    var extensions = false

    func run() throws {
        let workflows = try loadWorkflows(script)
        var document: Value
        if let step {
            let plan = try choose(workflow, in: workflows).plan
            guard let node = plan.node(at: step) else {
                let paths = plan.staticPaths().dropFirst()
                let hint = suggestion(for: step, in: paths)
                throw UsageError(
                    "workflow '\(plan.id)' has no step '\(step)'"
                        + (hint.isEmpty ? "; it has: \(paths.joined(separator: ", "))" : hint))
            }
            document = plan.schemaDocuments(of: node, withExtensions: extensions)
        } else if workflow != nil || side != nil {
            document = try choose(workflow, in: workflows).plan.schemaDocuments(withExtensions: extensions)
        } else {
            let all = workflows.map { ($0.id, $0.plan.schemaDocuments(withExtensions: extensions)) }
            document = ["workflows": Value(entries: all)]
        }
        if let side {
            let name = step.map { "step '\($0)'" } ?? "the workflow"
            guard let schema = document[side.rawValue] else {
                throw UsageError("\(name) has no \(side.rawValue) schema")
            }
            document = schema
        }
        TextStream.output.writeLine(document.prettyJSON)
    }
}

/// The values of `--side`.
private enum SchemaSide: String, ExpressibleByArgument, CaseIterable {
    case input, output, response
}
