internal import ArgumentParser
internal import WorkflowCore
internal import WorkflowTelemetry

struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the tests of a project: files that end in _test.lua.",
        discussion: """
            Tests run in the real engine, in virtual time: a delay of 30 days takes no time. Steps are mocked by path or id,
            and HTTP is answered by stubs or from recordings; no request leaves the machine unless --record is given.
            Exit status: 0 all passed, 1 some failed, 2 no tests were found or a file could not be loaded.

            EXAMPLES
              aikit-lua test
              aikit-lua test tests/weather_test.lua --filter storm
              aikit-lua test --watch
              aikit-lua test --coverage --junit results.xml
              aikit-lua test --record --allow-net=api.example.com
            """)

    enum Reporter: String, CaseIterable, ExpressibleByArgument {
        case pretty, ndjson, junit
    }

    @Argument(
        help: "Test files, and folders to look for them in; this folder unless given.", completion: .file(),
        transform: namedPath)
    var paths: [String] = []

    @Option(help: ArgumentHelp("Only tests whose name has this text.", valueName: "text"))
    var filter: String?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("How many files run at once; one a core unless given.", valueName: "n"))
    var jobs: Int?

    @Option(help: ArgumentHelp("How long one test may take.", valueName: "duration"))
    var timeout = "5s"

    @Option(help: ArgumentHelp("pretty (on standard error), ndjson or junit (on standard output).", valueName: "form"))
    var reporter = Reporter.pretty

    @Option(
        help: ArgumentHelp("Write a JUnit report into this file besides.", valueName: "file"), completion: .file(),
        transform: namedPath)
    var junit: String?

    @Flag(help: "Say which steps and cases of the workflows ran.")
    var coverage = false

    @Flag(help: "Send requests that no stub answers, and keep the answers under cassettes/ beside the test.")
    var record = false

    @Flag(name: [.short, .long], help: "Run the tests again whenever a file changes.")
    var watch = false

    @Option(
        help: ArgumentHelp(
            "Send the traces of runs to this OTLP/HTTP server; what the environment says of traces counts only with it.",
            valueName: "url"))
    var otlp: String?

    @OptionGroup var log: LogOptions

    @OptionGroup(title: "Permissions") var permissions: PermissionOptions

    func run() throws {
        var plan = TestPlan(paths: paths.isEmpty ? ["."] : paths)
        plan.filter = filter
        if let jobs {
            guard (1...256).contains(jobs) else { throw UsageError("--jobs takes a number from 1 to 256, got \(jobs)") }
            plan.jobs = jobs
        }
        guard let duration = DurationText.microseconds(timeout), duration > 0 else {
            throw UsageError("--timeout takes a duration such as 500ms, 30s or 5m, got '\(timeout)'")
        }
        plan.timeout = duration
        plan.reporter = reporter
        plan.junitFile = junit
        plan.reportsCoverage = coverage
        plan.records = record
        plan.watches = watch
        plan.permissions = permissions.permissions
        plan.secrets = try permissions.secretSettings.open()
        if otlp != nil { plan.export = try ExportSettings.read(otlp: otlp) }
        plan.log = log.isGiven ? log.settings : nil
        let status = try TestSession(plan).run()
        if status != .success { throw status.code }
    }
}
