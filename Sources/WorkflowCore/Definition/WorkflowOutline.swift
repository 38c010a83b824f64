public import FlatValue

/// A workflow as nodes and edges, for people and programs that look at it without running it.
///
/// Edges say what can follow what, and nothing else: a branch leads to the first node of each case, the last node of a case
/// to what follows the branch. Bodies of loops, items and parallel branches hang below their construct; the last node of a
/// loop's body leads back to its first one, those of the others lead nowhere.
public struct WorkflowOutline: Sendable, Equatable {
    public struct Node: Sendable, Equatable {
        /// The place in the tree, unique in the workflow: `enrich/translate`, `prepare[cluster]/create`, `risk/warn`.
        public var path: String
        public var id: String
        /// `step`, `branch`, `loop`, `foreach`, `parallel`, `human`, `delay`, `wait_for` or `workflow`.
        public var kind: String
        public var description: String?
        /// Where the script wrote it, as `file:line`.
        public var location: String?
        /// The path of the node in whose body it stands; nil for those of the workflow itself.
        public var parent: String?
        /// The case or the branch of the parent in which it stands.
        public var body: String?
        /// Whether a function chooses what follows, so that more may follow than the edges say.
        public var choosesNext: Bool
        package var index: NodeIndex
    }

    public struct Edge: Sendable, Equatable {
        public enum Kind: String, Sendable, CaseIterable {
            /// One node follows another.
            case next
            /// A branch leads into a case.
            case branch
            /// A construct runs a body.
            case body
            /// The last node of a loop's body is followed by its first one, as long as the condition holds.
            case again
        }

        public var from: String
        public var to: String
        public var kind: Kind
        /// The name of the case or of the parallel branch.
        public var label: String?
        package var fromIndex: NodeIndex
        package var toIndex: NodeIndex
    }

    public var id: String
    public var description: String?
    public var nodes: [Node]
    public var edges: [Edge]

    /// The outline as `{ id, description?, nodes, edges }`.
    public var value: Value { value(withStatus: { _ in nil }) }

    /// The outline with the status of each node that has one.
    package func value(withStatus status: (Node) -> String?) -> Value {
        func object(_ entries: [(String, String?)]) -> [(String, Value)] {
            entries.compactMap { entry in entry.1.map { (entry.0, Value($0)) } }
        }
        let nodes = nodes.map { node -> Value in
            var entries = object([
                ("path", node.path), ("id", node.id), ("kind", node.kind), ("description", node.description),
                ("where", node.location), ("parent", node.parent), ("body", node.body),
            ])
            if node.choosesNext { entries.append(("choosesNext", true)) }
            if let status = status(node) { entries.append(("status", Value(status))) }
            return Value(entries: entries)
        }
        let edges = edges.map { edge in
            Value(
                entries: object([
                    ("from", edge.from), ("to", edge.to), ("kind", edge.kind.rawValue), ("label", edge.label),
                ]))
        }
        return Value(
            entries: object([("id", id), ("description", description)]) + [
                ("nodes", Value(array: nodes)), ("edges", Value(array: edges)),
            ])
    }
}
