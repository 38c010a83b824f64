internal import FlatValue
internal import WorkflowCore

extension Plan {
    /// A workflow of one step that calls a function, which is how the functions of a test file run.
    static func calling(_ slot: CallbackSlot) -> Plan {
        var root = PlanNode(kind: .workflow)
        root.firstBody = 0
        root.bodyCount = 1
        var step = PlanNode(kind: .step)
        step.body = 0
        step.callback = slot
        return Plan(
            nodes: [root, step], details: [NodeDetails(id: "test"), NodeDetails(id: "test")],
            bodies: [Body(first: 1, owner: 0, name: "", members: [1])], schemas: [], metadata: .emptyObject,
            ctx: .emptyObject)
    }
}
