public import WorkflowEngine

/// A file from which workflows come, as the server shows it.
public struct Deployment: Sendable {
    public var file: String
    /// Counts the versions that have been live since the server started, from 1; 0 for none.
    public var version: Int
    public var workflows: [String]
    /// Why the newest contents of the file are not live; nil when they are.
    public var problem: String?

    public init(file: String, version: Int, workflows: [String], problem: String? = nil) {
        self.file = file
        self.version = version
        self.workflows = workflows
        self.problem = problem
    }
}

/// Workflows that come from files.
public protocol DeploymentCatalog: WorkflowCatalog {
    func deployments() async -> [Deployment]
}
