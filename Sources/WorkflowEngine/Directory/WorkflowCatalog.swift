internal import WorkflowCore

/// Where a ``RunDirectory`` finds the workflows of its runs.
public protocol WorkflowCatalog: Sendable {
    /// The workflows of which new runs are made, each id once.
    func workflows() async -> [Workflow]

    /// The workflow of an id of which new runs are made; nil for none.
    func workflow(_ id: String) async -> Workflow?

    /// The workflow of a run of the store, in the generation with which the run was started.
    ///
    /// - Throws: ``RunFailure`` when its code is not known.
    func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow

    /// The workflow whose webhook answers at a path (`github/push`); nil for none.
    func workflow(withHookAt path: String) async -> Workflow?
}

extension WorkflowCatalog {
    /// The first one by its id.
    public func workflow(withHookAt path: String) async -> Workflow? {
        await workflows().filter { $0.plan.hooks.contains { $0.path == path } }.min { $0.id < $1.id }
    }

    public func workflow(_ id: String) async -> Workflow? { await workflows().first { $0.id == id } }
}

/// Workflows that stay the same as long as the process lives: those that are written in Swift.
public struct FixedCatalog: WorkflowCatalog {
    private let all: [Workflow]

    public init(_ workflows: [Workflow]) { all = workflows }

    public func workflows() async -> [Workflow] { all }

    public func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow {
        guard let workflow = all.first(where: { $0.id == id }) else {
            throw RunFailure(
                code: RunFailure.Code.codeMissing, message: "run \(run) is one of workflow '\(id)', which is not here")
        }
        return workflow
    }
}
