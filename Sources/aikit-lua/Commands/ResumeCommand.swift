internal import ArgumentParser

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Answer a step that waits for a person, and go on with the run.",
        discussion: """
            The run goes on with the code that it began with, whatever has become of the script. An answer that does not fit
            the step's schema is refused with status 2, and the run still waits.

            EXAMPLES
              aikit-lua resume 0199c0de-… --data '{"decision":"send"}'
              aikit-lua resume order-7 --store runs.db --step approve --data @answer.json --events
            """)

    @Argument(help: ArgumentHelp("The run's id.", valueName: "run"))
    var runID: String

    @Option(help: ArgumentHelp("The path of the step; not needed where only one step waits.", valueName: "path"))
    var step: String?

    @Option(help: ArgumentHelp("The answer.", valueName: "json|@file|-"))
    var data: String

    @OptionGroup var options: ContinuationOptions
    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        let data = try JSONArgument.read(data, option: "--data")
        try options.carryOut(.answer(step: step, data: data), runID: runID, permissions)
    }
}
