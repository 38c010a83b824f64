package import WorkflowEngine
package import WorkflowTelemetry

/// How tests are run.
package struct TestSettings: Sendable {
    /// Only tests whose title has this text.
    package var filter: String?
    /// How long a test may take, hooks included, in the machine's time.
    package var timeout: Duration = .seconds(5)
    /// Requests that no stub answers go out, and are written into cassettes.
    package var records = false
    /// Makes the effects that steps may have besides; called once a file.
    package var makeEffects: @Sendable () -> any HostGateway = { NoHostOperations() }
    /// Where `print` goes; a line without its end.
    package var print: @Sendable (String) -> Void = { _ in }
    /// Gets the spans of each run that a test began, when the test is over; nil for nobody. Any thread.
    package var export: (@Sendable ([Span]) -> Void)?
    package var log: @Sendable (LogRecord) -> Void = { _ in }

    package init() {}
}
