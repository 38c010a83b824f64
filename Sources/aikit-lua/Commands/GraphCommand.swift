internal import ArgumentParser
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

struct GraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draw a workflow.",
        discussion: """
            EXAMPLES
              aikit-lua graph weather.lua > weather.mmd
              aikit-lua graph weather.lua --format svg > weather.svg
              aikit-lua graph weather.lua --format dot | dot -Tpng -o weather.png
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case mermaid, dot, json, svg
    }

    @Argument(help: "The script.", completion: .file(extensions: ["lua"]))
    var script: String

    @Option(help: ArgumentHelp("mermaid, dot, json or svg.", valueName: "format"))
    var format = Format.mermaid

    @Option(help: ArgumentHelp("The workflow to draw, where the script has several.", valueName: "id"))
    var workflow: String?

    func run() throws {
        let loaded = waitFor { [script] () -> Result<LuaScript, ScriptError> in
            let options = LuaScriptOptions(print: { TextStream.errors.writeLine($0) })
            do throws(ScriptError) {
                return .success(
                    try await LuaScript.load(path: script, on: WorkflowEngine(workers: 1), options: options))
            } catch {
                return .failure(error)
            }
        }
        let plan = try choose(workflow, in: try loaded.get().workflows).plan
        let text =
            switch format {
            case .mermaid: WorkflowGraph.mermaid(plan)
            case .dot: WorkflowGraph.dot(plan)
            case .json: WorkflowGraph.json(plan)
            case .svg: WorkflowGraph.svg(plan)
            }
        TextStream.output.write(text.hasSuffix("\n") ? text : text + "\n")
    }
}
