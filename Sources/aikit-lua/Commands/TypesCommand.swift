internal import ArgumentParser

struct TypesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "types",
        abstract: "Print editor stubs of the Lua API, for the Lua language server.",
        discussion: """
            EXAMPLES
              aikit-lua types > .aikit/aikit.lua
            """)

    func run() throws { TextStream.output.write(try LibraryDocument.types()) }
}
