internal import ArgumentParser
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

struct TypesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "types",
        abstract: "Write editor stubs of the Lua API and of a project's schemas, for the Lua language server.",
        discussion: """
            Each schema of the scripts becomes a class that is called after the workflow and the step. An editor completes \
            a handler's input where a line above the handler names it:

              ---@param input Weather.FetchWeather.Input
              handler = function(input, context) … end

            Without --output and --luarc the stubs are printed.

            EXAMPLES
              aikit-lua types --luarc weather.lua
              aikit-lua types --output .aikit/types workflows/*.lua
              aikit-lua types > aikit.lua
            """)

    @Argument(help: "Scripts whose schemas become classes.", completion: .file(extensions: ["lua"]))
    var scripts: [String] = []

    @Option(
        help: ArgumentHelp("Write aikit.lua and what goes with it into this folder.", valueName: "folder"))
    var output: String?

    @Flag(help: "Write a .luarc.json that names the folder (.aikit/types unless given) where there is none yet.")
    var luarc = false

    @Flag(help: "Print the reference of the API in Markdown instead.")
    var reference = false

    func run() throws {
        if reference { return TextStream.output.write(try LibraryDocument.text(.reference)) }
        let library = try LibraryDocument.text(.types)
        let classes = try scripts.isEmpty ? nil : LibraryDocument.text(.classes(definitions()))
        guard let folder = output ?? (luarc ? ".aikit/types" : nil) else {
            return TextStream.output.write(library + (classes.map { "\n" + $0 } ?? ""))
        }
        try write(library, to: "\(folder)/aikit.lua")
        try write(LibraryDocument.text(.testTypes), to: "\(folder)/aikit-test.lua")
        if let classes { try write(classes, to: "\(folder)/project.lua") }
        if luarc { try writeSettings(naming: folder) }
    }

    /// The definitions of all workflows of the scripts.
    private func definitions() throws -> Value {
        let options = LuaScriptOptions(print: { TextStream.errors.writeLine($0) })
        let loaded = waitFor { [scripts] () -> Result<[String], any Error> in
            var definitions: [String] = []
            do {
                for path in scripts {
                    let engine = WorkflowEngine(workers: 1)
                    definitions += try await LuaScript.load(path: path, on: engine, options: options).definitions
                }
                return .success(definitions)
            } catch {
                return .failure(error)
            }
        }
        return Value(array: try loaded.get().map { try Value(json: $0) })
    }

    private func writeSettings(naming folder: String) throws {
        let path = ".luarc.json"
        if case .success = FileText.read(path, limit: 1 << 20) {
            let words = "is there already; name the folder in it: \"workspace.library\": [\"\(folder)\"]"
            return TextStream.errors.writeLine("  \(path) \(words)")
        }
        let settings: Value = [
            "$schema": "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
            "runtime.version": "Lua 5.4",
            // The sandbox has neither.
            "runtime.builtin": ["io": "disable", "debug": "disable", "package": "disable"],
            "workspace.library": Value(array: [Value(folder)]),
            "workspace.checkThirdParty": false,
        ]
        try write(settings.prettyJSON + "\n", to: path)
    }

    private func write(_ text: String, to path: String) throws {
        if let failure = FileText.makeFolders(of: path) ?? FileText.write(text, to: path) {
            throw UsageError("\(path) cannot be written: \(failure)")
        }
        TextStream.errors.writeLine("  wrote \(path)")
    }
}
