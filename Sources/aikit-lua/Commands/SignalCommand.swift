internal import ArgumentParser
internal import FlatValue
internal import WorkflowCore

struct SignalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal",
        abstract: "Send a run an event that a step of it waits for, and go on with it.",
        discussion: """
            The run has the permissions that it began with; --allow-net adds to them. In a web hook, --detach ends the
            command when the run only waits again.

            EXAMPLES
              aikit-lua signal order-7 paid --data '{"amount":42}'
              aikit-lua signal order-7 paid --detach
            """)

    @OptionGroup var target: RunChoice

    @Argument(help: "The name of the event.")
    var event: String

    @Option(help: ArgumentHelp("What comes with the event.", valueName: "json|@file|-"))
    var data: String?

    @OptionGroup var options: ContinuationOptions

    func run() throws {
        let data = try data.map { try JSONArgument.read($0, option: "--data") } ?? .null
        try options.carryOut(.signal(event: event, data: data), runID: target.run)
    }
}
