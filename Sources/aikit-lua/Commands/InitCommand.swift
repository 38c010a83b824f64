internal import ArgumentParser
internal import JSONSchema

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a project: a workflow, its tests, and what an editor needs.",
        discussion: """
            Templates:
              minimal         two steps and a branch
              http-api        calls a public API, with retries; its tests answer the requests themselves
              human-approval  asks a person, and goes on when nobody answers for a week
              batch           takes a list of orders, four at a time
              agent           a model with tools; its tests answer for the model
            Files that are there already are never written over: a README.md stays, any other one is an error.

            EXAMPLES
              aikit-lua init hello
              aikit-lua init approvals --template human-approval
              aikit-lua init .
            """)

    @Argument(
        help: ArgumentHelp("The folder; it is made unless it is there.", valueName: "dir"), completion: .directory,
        transform: namedFolder)
    var folder: String

    @Option(help: ArgumentHelp("minimal, http-api, human-approval, batch or agent.", valueName: "name"))
    var template = ProjectTemplate.minimal

    func run() throws {
        let project = NewProject(folder: folder, template: template)
        let files = try project.files()
        try project.write(files)
        try project.writeClasses()
        let errors = TextStream.errors
        let style = Style(errors)
        errors.writeLine(
            style("✓", .green) + " made \(counted(files.count + 1, "file")) in \(folder) from '\(template.rawValue)'")
        errors.writeLine("")
        errors.writeLine("Next:")
        if project.shellFolder != "." { errors.writeLine("  cd \(project.shellFolder)") }
        errors.writeLine("  " + template.runCommand)
        errors.writeLine("  aikit-lua test")
    }
}
