internal import ArgumentParser
internal import FlatValue
internal import WorkflowCore

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

    @Argument(
        help: "Scripts whose schemas become classes.", completion: .file(extensions: ["lua"]), transform: namedPath)
    var scripts: [String] = []

    @Option(
        help: ArgumentHelp("Write aikit.lua and what goes with it into this folder.", valueName: "folder"),
        completion: .directory,
        transform: namedFolder)
    var output: String?

    @Flag(help: "Write a .luarc.json that names the folder (.aikit/types unless given) where there is none yet.")
    var luarc = false

    @Flag(help: "Print the reference of the API in Markdown instead.")
    var reference = false

    func run() throws {
        if reference { return TextStream.output.write(try LibraryDocument.text(.reference)) }
        let library = try LibraryDocument.text(.types)
        let classes =
            try scripts.isEmpty ? nil : LibraryDocument.classes(of: scripts) { TextStream.errors.writeLine($0) }
        guard let folder = output ?? (luarc ? EditorSettings.folder : nil) else {
            return TextStream.output.write(library + (classes.map { "\n" + $0 } ?? ""))
        }
        try write(library, to: "\(folder)/aikit.lua")
        try write(LibraryDocument.text(.testTypes), to: "\(folder)/aikit-test.lua")
        if let classes { try write(classes, to: "\(folder)/project.lua") }
        if luarc { try writeSettings(naming: folder) }
    }

    private func writeSettings(naming folder: String) throws {
        let path = ".luarc.json"
        if case .success(let bytes) = FileText.read(path, limit: 1 << 20) {
            let present = bytes.withUnsafeBytes { try? Value(json: $0) }
            let folders = present.flatMap { $0["workspace.library"] ?? $0["workspace"]?["library"] }?.array ?? []
            let isNamed = folders.contains { $0.string.map(Self.trimmed) == Self.trimmed(folder) }
            let words =
                isNamed
                ? "names the folder already"
                : "is there already; name the folder in it: "
                    + Value(entries: [("workspace.library", Value(array: [Value(folder)]))]).json
            return TextStream.errors.writeLine("  \(path) \(words)")
        }
        try write(EditorSettings.text(naming: folder), to: path)
    }

    /// A folder's path without what does not matter in it.
    private static func trimmed(_ folder: String) -> String {
        var folder = folder[...]
        while folder.hasPrefix("./") { folder = folder.dropFirst(2) }
        while folder.hasSuffix("/") { folder = folder.dropLast() }
        return String(folder)
    }

    private func write(_ text: String, to path: String) throws {
        if let failure = FileText.makeFolders(of: path) ?? FileText.write(text, to: path) {
            throw UsageError("\(path) cannot be written: \(failure)")
        }
        TextStream.errors.writeLine("  wrote \(path)")
    }
}
