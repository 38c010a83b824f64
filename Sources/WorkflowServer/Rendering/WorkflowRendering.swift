internal import FlatValue
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine

/// Workflows as the routes answer with them.
enum WorkflowRendering {
    static func summary(_ workflow: Workflow, counts: [RunMachine.Status: Int]? = nil) -> Value {
        var entries: [(String, Value)] = [("id", Value(workflow.id))]
        if let description = workflow.description { entries.append(("description", Value(description))) }
        if let schema = schema(workflow.plan.nodes[0].inputSchema, workflow.plan) {
            entries.append(("inputSchema", schema))
        }
        if !workflow.generation.id.isEmpty { entries.append(("generation", Value(workflow.generation.id))) }
        if let counts { entries.append(("runs", runs(counts))) }
        return Value(entries: entries)
    }

    /// How many runs there are in each status.
    static func runs(_ counts: [RunMachine.Status: Int]) -> Value {
        Value(entries: RunMachine.Status.allCases.map { ($0.rawValue, Value(Int64(counts[$0] ?? 0))) })
    }

    /// Everything that is known of a workflow: its schemas, its steps, what it waits for.
    static func details(_ workflow: Workflow, _ deployment: Deployment?, counts: [RunMachine.Status: Int]) -> Value {
        let plan = workflow.plan
        var entries = (summary(workflow).entries ?? []).map { ($0.key, $0.value) }
        if let schema = schema(plan.nodes[0].outputSchema, plan) { entries.append(("outputSchema", schema)) }
        let paths = plan.staticPaths()
        let nodes = plan.nodes.indices.dropFirst()
        entries.append(("steps", Value(array: nodes.map { node(Int($0), plan, path: paths[Int($0)]) })))
        let waits = nodes.filter { plan.nodes[$0].kind == .human || plan.nodes[$0].kind == .waitFor }
        entries.append(("waits", Value(array: waits.map { wait(Int($0), plan, path: paths[Int($0)]) })))
        if let deployment {
            entries.append(("file", Value(deployment.file)))
            entries.append(("version", Value(Int64(deployment.version))))
        }
        entries.append(("schedules", Value(array: plan.schedules.map { Value($0.id) })))
        entries.append(
            (
                "hooks",
                Value(array: plan.hooks.map { ["id": Value($0.id), "path": Value("/hooks/" + $0.path)] })
            ))
        entries.append(("runs", runs(counts)))
        return Value(entries: entries)
    }

    private static func node(_ index: Int, _ plan: Plan, path: String) -> Value {
        let node = plan.nodes[index]
        var entries: [(String, Value)] = [
            ("id", Value(plan.details[index].id)), ("path", Value(path)), ("kind", Value("\(node.kind)")),
        ]
        if let text = plan.details[index].description { entries.append(("description", Value(text))) }
        if let schema = schema(node.inputSchema, plan) { entries.append(("inputSchema", schema)) }
        if let schema = schema(node.outputSchema, plan) {
            entries.append((node.kind == .human ? "responseSchema" : "outputSchema", schema))
        }
        return Value(entries: entries)
    }

    private static func wait(_ index: Int, _ plan: Plan, path: String) -> Value {
        var entries: [(String, Value)] = [
            ("stepId", Value(plan.details[index].id)), ("path", Value(path)),
            ("kind", plan.nodes[index].kind == .human ? "human" : "event"),
        ]
        if let event = plan.details[index].event { entries.append(("event", Value(event))) }
        if let schema = schema(plan.nodes[index].outputSchema, plan) { entries.append(("schema", schema)) }
        return Value(entries: entries)
    }

    static func schema(_ index: Int32, _ plan: Plan) -> Value? {
        guard index >= 0, Int(index) < plan.schemas.count else { return nil }
        return plan.schemas[Int(index)].export(withExtensions: false)
    }
}
