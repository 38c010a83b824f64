internal import ArgumentParser
internal import WorkflowCore

struct SignalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal",
        abstract: "Send a run an event that a step of it waits for, and go on with it.",
        discussion: """
            EXAMPLES
              aikit-lua signal order-7 paid --data '{"amount":42}'
            """)

    @Argument(help: ArgumentHelp("The run's id.", valueName: "run"))
    var runID: String

    @Argument(help: "The name of the event.")
    var event: String

    @Option(help: ArgumentHelp("What comes with the event.", valueName: "json|@file|-"))
    var data: String?

    @OptionGroup var options: ContinuationOptions
    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        let data = try data.map { try JSONArgument.read($0, option: "--data") } ?? .null
        try options.carryOut(.signal(event: event, data: data), runID: runID, permissions)
    }
}
