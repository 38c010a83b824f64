internal import ArgumentParser

struct ReplCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repl",
        abstract: "Try Lua and the library line by line, beside a script's workflows and steps.",
        discussion: """
            Values are shown on standard output. Host calls such as aikit.sleep and aikit.http work at the prompt; what they
            need is allowed as for run. With a script, `script` is what it returned, :run runs its workflow and :step one of
            its steps. Lines may also come through a pipe; then nothing but values and errors is shown, and the exit status
            is 1 if a line failed.

            EXAMPLES
              aikit-lua repl
              aikit-lua repl weather.lua --allow-net=api.example.com
              echo 'aikit.json.encode { 1, 2 }' | aikit-lua repl
            """)

    @Argument(
        help: "A script whose workflow is to be tried.", completion: .file(extensions: ["lua"]), transform: namedPath)
    var script: String?

    @Option(help: ArgumentHelp("The workflow of :run and :step, where the script has several.", valueName: "id"))
    var workflow: String?

    @Option(help: ArgumentHelp("The input of :run without one.", valueName: "json|@file"))
    var input: String?

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        let request = RunArguments(
            script: script ?? "", workflow: workflow, input: input, store: "memory",
            stay: StayRequest(permissions: permissions.permissions, secrets: permissions.secretSettings))
        let status = try ReplSession(request.plan()).run()
        if status != .success { throw status.code }
    }
}
