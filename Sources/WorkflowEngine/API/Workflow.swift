package import WorkflowCore

/// A workflow that an engine can run: its plan, and the code of its steps.
///
/// It is immutable and may be shared. Workflows of Lua scripts come from the `LuaWorkflows` module.
public final class Workflow: Sendable {
    package let plan: Plan
    package let generation: Generation

    package init(plan: Plan, generation: Generation) {
        self.plan = plan
        self.generation = generation
    }

    public var id: String { plan.id }
    public var description: String? { plan.details[0].description }
}

/// The code of one version of a script; every worker that runs it has an executor of its own.
package final class Generation: Sendable {
    /// The hash of the script and its modules; empty for code that is not kept.
    package let id: String
    /// Makes an executor for the worker whose thread calls it.
    package let makeExecutor: @Sendable () throws -> any StepExecutor

    package init(id: String, makeExecutor: @escaping @Sendable () throws -> any StepExecutor) {
        self.id = id
        self.makeExecutor = makeExecutor
    }
}
