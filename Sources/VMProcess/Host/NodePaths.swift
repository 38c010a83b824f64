internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// The nodes of a plan by the paths of their frames, which name iterations and branches.
struct NodePaths {
    private let plan: Plan
    private let patterns: [(node: NodeIndex, parts: [Part])]

    /// A part of a path between slashes.
    private struct Part {
        var id: Substring
        /// What stands in brackets behind it: nothing, any number, or the name of a branch.
        var index = Index.none

        enum Index: Equatable { case none, number, name(String) }

        func matches(_ text: Substring) -> Bool {
            guard text.hasPrefix(id) else { return false }
            let rest = text.dropFirst(id.count)
            switch index {
            case .none: return rest.isEmpty
            case .number:
                return rest.hasPrefix("[") && rest.hasSuffix("]") && rest.count > 2
                    && rest.dropFirst().dropLast().allSatisfy { $0.isASCII && $0.isNumber }
            case .name(let name): return rest == "[\(name)]"
            }
        }
    }

    init(_ plan: Plan) {
        self.plan = plan
        patterns = plan.nodes.indices.map { index in
            var parts: [Part] = []
            var node = NodeIndex(index)
            var last = Part.Index.none
            while node > 0 {
                parts.insert(Part(id: Substring(plan.details[Int(node)].id), index: last), at: 0)
                let body = plan.nodes[Int(node)].body
                guard plan.bodies.indices.contains(Int(body)) else { break }
                let owner = plan.bodies[Int(body)].owner
                last =
                    switch plan.nodes[Int(owner)].kind {
                    case .loop, .foreach: .number
                    case .parallel: .name(plan.bodies[Int(body)].name)
                    case .workflow, .branch, .step, .human, .delay, .waitFor: .none
                    }
                node = owner
            }
            return (NodeIndex(index), parts)
        }
    }

    /// What narrows the permissions of the step at a path: the limits of its node and all around it. Nil where the plan has no such
    /// path.
    func limits(at path: String) -> [Value]? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let nodes = patterns.filter { pattern in
            path.isEmpty
                ? pattern.parts.isEmpty
                : pattern.parts.count == parts.count && zip(pattern.parts, parts).allSatisfy { $0.matches($1) }
        }
        // Where two nodes have one path, the limits of both hold.
        return nodes.isEmpty ? nil : nodes.flatMap { plan.permissionLimits(of: $0.node) }
    }
}
