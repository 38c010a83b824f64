internal import HostEffects
internal import Platform
internal import WorkflowTelemetry

/// What a command line asks of `test`, checked.
struct TestPlan {
    /// Files and folders.
    var paths: [String]
    var filter: String?
    /// How many files run at once.
    var jobs = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    /// Microseconds that one test may take.
    var timeout: Int64 = 5_000_000
    var reporter = TestCommand.Reporter.pretty
    var junitFile: String?
    var reportsCoverage = false
    var records = false
    var watches = false
    var permissions = Permissions()
    var secrets = Secrets()
    /// Where the spans of runs are sent; nil for nowhere.
    var export: ExportSettings?
    /// What is shown of what steps log; nil for nothing.
    var log: LogSettings?
}
