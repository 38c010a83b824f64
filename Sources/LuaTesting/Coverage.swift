internal import FlatValue
package import WorkflowCore

/// Which steps and cases of the loaded workflows ran in tests.
///
/// A step is known by where it was written, so it counts once wherever it stands, alone or in workflows; a step that was
/// mocked did not run. Constructs count by their bodies: a branch by each of its cases.
package struct Coverage: Sendable {
    /// Something that can run.
    package struct Unit: Sendable, Hashable {
        /// Where it was written, as `file:line`.
        package var location: String
        /// The workflow in which it was first seen.
        package var workflow: String
        /// Its id; a case has that of its branch, and its own name behind it.
        package var name: String

        package static func == (left: Unit, right: Unit) -> Bool {
            left.location == right.location && left.name == right.name
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(location)
            hasher.combine(name)
        }
    }

    /// All that there is, in the order of the workflows.
    package private(set) var units: [Unit] = []
    private var known: Set<Unit> = []
    private var ran: Set<Unit> = []

    package init() {}

    package var uncovered: [Unit] { units.filter { !ran.contains($0) } }
    package var coveredCount: Int { units.count - uncovered.count }

    /// Adds what a workflow is made of.
    package mutating func add(_ plan: Plan) {
        for (index, node) in plan.nodes.elements.enumerated() {
            for unit in Self.units(of: plan, index, node) where known.insert(unit).inserted { units.append(unit) }
        }
    }

    private static func units(of plan: Plan, _ index: Int, _ node: PlanNode) -> [Unit] {
        let details = plan.details[index]
        // What tests build by themselves or mock has no place of its own in a file.
        guard let location = details.location else { return [] }
        switch node.kind {
        case .step, .human, .delay, .waitFor:
            return [Unit(location: location, workflow: plan.id, name: details.id)]
        case .branch:
            return (node.firstBody..<node.firstBody + node.bodyCount).map { body in
                Unit(location: location, workflow: plan.id, name: "\(details.id) → \(plan.bodies[Int(body)].name)")
            }
        case .workflow, .loop, .foreach, .parallel: return []
        }
    }

    /// Notes what ran in a run.
    package mutating func note(_ plan: Plan, _ steps: [StepSnapshot]) {
        for step in steps {
            let details = plan.details[Int(step.node)]
            guard let location = details.location else { continue }
            if let branch = step.branchID {
                let name = branch.string ?? branch.json
                ran.insert(Unit(location: location, workflow: "", name: "\(details.id) → \(name)"))
            } else {
                ran.insert(Unit(location: location, workflow: "", name: details.id))
            }
        }
    }

    /// Takes what another file's tests loaded and ran.
    package mutating func merge(_ other: Coverage) {
        for unit in other.units where known.insert(unit).inserted { units.append(unit) }
        ran.formUnion(other.ran)
    }
}
