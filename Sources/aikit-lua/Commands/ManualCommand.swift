internal import ArgumentParser
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// What `make install` makes the manual page with; nobody has to know of it.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Print the manual page, in the form that man reads.",
        discussion: """
            EXAMPLES
              aikit-lua manual | man -l -
            """,
        shouldDisplay: false)

    func run() throws {
        let tool: Value
        do throws(JSONError) {
            tool = try Value(json: AikitLua._dumpHelp())
        } catch {
            throw UsageError("the description of the commands cannot be read: \(error.description)")
        }
        TextStream.output.write(ManualPage(tool: tool, version: engineVersion).text)
    }
}
