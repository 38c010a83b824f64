internal import ArgumentParser
internal import HostEffects
internal import WorkflowCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a workflow and print its output as JSON.",
        discussion: """
            Progress is shown on standard error. On a terminal a step that waits for a person asks its form right there;
            elsewhere the command ends with status 3 and says how to answer.

            EXAMPLES
              aikit-lua run hello.lua --input '{"name":"Ada"}'
              aikit-lua run weather.lua --input @city.json --allow-net=api.example.com
              jq '{items: .}' orders.json | aikit-lua run orders.lua --input - --events
            """)

    @Argument(help: "The script: a .lua file that returns a workflow.", completion: .file(extensions: ["lua"]))
    var script: String

    @Option(help: ArgumentHelp("The workflow to run, where the script has several.", valueName: "id"))
    var workflow: String?

    @Option(help: ArgumentHelp("The workflow's input.", valueName: "json|@file|-"))
    var input: String?

    @Option(help: ArgumentHelp("Metadata in place of the workflow's, an object.", valueName: "json|@file"))
    var metadata: String?

    @Option(help: ArgumentHelp("Merged over the workflow's ctx, an object.", valueName: "json|@file"))
    var ctx: String?

    @Option(name: .customLong("run-id"), help: ArgumentHelp("The run's id; one is made unless given.", valueName: "id"))
    var runID: String?

    @Flag(help: "Print one JSON event a line on standard output, the result last.")
    var events = false

    @OptionGroup var store: StoreOptions

    @Option(help: ArgumentHelp("Cancel the run after this time, such as 30s or 5m.", valueName: "duration"))
    var timeout: String?

    @Option(help: ArgumentHelp("How many threads run steps; one a core unless given.", valueName: "n"))
    var workers: Int?

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        var plan = RunPlan(script: script)
        plan.workflow = workflow
        if let input { plan.input = try JSONArgument.read(input, option: "--input") }
        if let metadata { plan.metadata = try JSONArgument.readObject(metadata, option: "--metadata") }
        if let ctx { plan.ctx = try JSONArgument.readObject(ctx, option: "--ctx") }
        if let runID {
            guard !runID.isEmpty, runID.utf8.count <= 200 else { throw UsageError("--run-id takes 1 to 200 bytes") }
            plan.runID = runID
        }
        plan.printsEvents = events
        plan.store = store.location(script: script)
        if let timeout {
            guard let duration = DurationText.microseconds(timeout), duration > 0 else {
                throw UsageError("--timeout takes a duration such as 500ms, 30s, 5m or 2h, got '\(timeout)'")
            }
            plan.timeout = duration
        }
        plan.workers = try workerCount()
        plan.permissions = permissions.permissions
        let status = RunSession(plan).run()
        if status != .success { throw status.code }
    }

    private func workerCount() throws(UsageError) -> Int {
        // Beyond a few, threads of a single run only cost time to start.
        guard let workers else { return max(1, min(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 8)) }
        guard (1...256).contains(workers) else {
            throw UsageError("--workers takes a number from 1 to 256, got \(workers)")
        }
        return workers
    }
}
