internal import ArgumentParser

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Answer a step that waits for a person, and go on with the run.",
        discussion: """
            The run goes on with the code that it began with, whatever has become of the script. An answer that does not fit
            the step's schema is refused with status 2, and the run still waits. The run has the permissions that it
            began with; --allow-net adds to them. With --detach the command ends when the run waits again for whatever it is.

            EXAMPLES
              aikit-lua resume 0199c0de-… --data '{"decision":"send"}'
              aikit-lua resume order-7 --store runs.db --step approve --data @answer.json --events
              aikit-lua resume order-7 --data '{"ok":true}' --detach
            """)

    @OptionGroup var target: RunChoice

    @Option(help: ArgumentHelp("The path of the step; not needed where only one step waits.", valueName: "path"))
    var step: String?

    @Option(help: ArgumentHelp("The answer.", valueName: "json|@file|-"))
    var data: String

    @OptionGroup var options: ContinuationOptions

    func run() throws {
        let data = try JSONArgument.read(data, option: "--data")
        try options.carryOut(.answer(step: step, data: data), runID: target.run)
    }
}
