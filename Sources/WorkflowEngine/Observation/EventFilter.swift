/// Which events a subscriber gets; what is nil does not matter.
public struct EventFilter: Sendable {
    public var run: String?
    public var workflow: String?
    /// The workflows that the subscriber may see.
    public var workflows: Set<String>?
    /// Names of events, such as `step:success`.
    public var types: Set<String>?

    public init(run: String? = nil, workflow: String? = nil, types: Set<String>? = nil) {
        self.run = run
        self.workflow = workflow
        self.types = types
    }

    package func admits(run: String, workflow: String) -> Bool {
        (self.run ?? run) == run && (self.workflow ?? workflow) == workflow
            && workflows?.contains(workflow) != false
    }

    package func admits(type: String) -> Bool { types?.contains(type) ?? true }
}
