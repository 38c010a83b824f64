internal import FlatValue
internal import WorkflowCore
package import WorkflowEngine

/// There is no step of the name; what there is.
package struct UnknownStep: Error {
    package var steps: [String]
}

extension LuaScript {
    /// A workflow of nothing but one node of another workflow, in the same generation: to try the node by itself.
    package func workflow(ofStep id: String, in workflow: Workflow) throws(UnknownStep) -> Workflow {
        var steps: [String] = []
        guard let index = workflows.firstIndex(where: { $0 === workflow }),
            let definition = try? Value(scriptJSON: definitions[index]),
            let node = Self.find(id, in: definition["nodes"], &steps)
        else { throw UnknownStep(steps: steps) }
        // What follows the node is not there.
        let alone = Value(entries: (node.entries ?? []).map { ($0.key, $0.value) }.filter { $0.0 != "next" })
        var entries: [(String, Value)] = [("kind", "workflow"), ("id", Value(id)), ("nodes", Value(array: [alone]))]
        for key in ["metadata", "ctx", "where"] { definition[key].map { entries.append((key, $0)) } }
        do {
            return Workflow(
                plan: try DefinitionReader.plan(from: Value(entries: entries)), generation: workflow.generation)
        } catch {
            throw UnknownStep(steps: steps)
        }
    }

    /// The first node of an id, wherever it stands.
    private static func find(_ id: String, in value: Value?, _ ids: inout [String]) -> Value? {
        if let items = value?.array {
            for item in items { if let found = find(id, in: item, &ids) { return found } }
            return nil
        }
        guard let value, let entries = value.entries else { return nil }
        if value["kind"]?.string != nil, let own = value["id"]?.string {
            if own == id { return value }
            if !ids.contains(own) { ids.append(own) }
        }
        for key in ["nodes", "body", "step", "cases", "branches", "otherwise", "workflow"] {
            guard let inner = entries.first(where: { $0.key == key })?.value else { continue }
            if let found = find(id, in: inner, &ids) { return found }
        }
        return nil
    }
}
