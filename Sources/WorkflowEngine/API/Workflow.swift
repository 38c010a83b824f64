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
