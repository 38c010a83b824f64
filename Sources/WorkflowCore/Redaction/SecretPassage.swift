internal import FlatValue

/// A schema with secrets that a value is going to pass, as a plan says before that happens.
struct SecretPassage: Sendable, Hashable {
    /// How the value stands in what passes the schema.
    enum Change: Sendable, Hashable {
        /// It is an item of a list.
        case listed
        /// It is a field of an object.
        case field(String)
    }

    /// Its number in the plan.
    var schema: Int32
    /// In the order in which they happen.
    var changes: [Change]

    /// The value as it passes the schema.
    func form(of value: Value) -> Value {
        changes.reduce(value) { form, change in
            switch change {
            case .listed: Value(array: [form])
            case .field(let name): Value(entries: [(name, form)])
            }
        }
    }
}

extension Plan {
    /// The schemas with secrets that what a node gives is going to pass: as the input of what comes next, and as the output of what
    /// ends with it. Of node 0 it is what the run was started with.
    ///
    /// What a function makes of the value on the way, and where a function sends it, nobody knows before.
    func secretPassages(behind node: NodeIndex) -> [SecretPassage] {
        var search = PassageSearch(plan: self)
        if node == 0 { search.enterBodies(of: 0, []) } else { search.leave(node, []) }
        return Array(search.found)
    }
}

private struct PassageSearch {
    let plan: Plan
    private(set) var found: Set<SecretPassage> = []
    private var seen: Set<Place> = []

    private struct Place: Hashable {
        var node: NodeIndex
        var isBehind: Bool
    }

    init(plan: Plan) { self.plan = plan }

    private mutating func isNew(_ node: NodeIndex, isBehind: Bool) -> Bool {
        seen.insert(Place(node: node, isBehind: isBehind)).inserted
    }

    private mutating func pass(_ schema: Int32, _ changes: [SecretPassage.Change]) {
        if plan.secretSchemas.contains(schema) { found.insert(SecretPassage(schema: schema, changes: changes)) }
    }

    /// The value is the input of a node.
    mutating func enter(_ index: NodeIndex, _ changes: [SecretPassage.Change]) {
        guard index >= 0, isNew(index, isBehind: false) else { return }
        let node = plan.nodes[Int(index)]
        pass(node.inputSchema, changes)
        switch node.kind {
        case .workflow, .branch, .parallel, .loop: enterBodies(of: index, changes)
        case .delay: leave(index, changes)
        case .foreach, .step, .human, .waitFor: break
        }
    }

    mutating func enterBodies(of index: NodeIndex, _ changes: [SecretPassage.Change]) {
        let node = plan.nodes[Int(index)]
        guard node.bodyCount > 0 else { return }
        for body in plan.bodies[Int(node.firstBody)..<Int(node.firstBody + node.bodyCount)] {
            enter(body.first, changes)
        }
    }

    /// The value is the output of a node.
    mutating func leave(_ index: NodeIndex, _ changes: [SecretPassage.Change]) {
        guard isNew(index, isBehind: true) else { return }
        let node = plan.nodes[Int(index)]
        // A function says where it goes.
        if node.kind == .step, node.extra != 0 { return }
        if node.next >= 0 { return enter(node.next, changes) }
        guard node.body >= 0 else { return }
        let body = plan.bodies[Int(node.body)]
        let owner = plan.nodes[Int(body.owner)]
        switch owner.kind {
        case .workflow:
            guard owner.conclude == 0 else { return }
            pass(owner.outputSchema, changes)
            leave(body.owner, changes)
        case .loop:
            if owner.extra == 0 { enter(body.first, changes) }
            if owner.conclude == 0 { leave(body.owner, changes) }
        case .branch: leave(body.owner, changes)
        case .foreach: if owner.conclude == 0 { leave(body.owner, changes + [.listed]) }
        case .parallel:
            guard owner.conclude == 0 else { return }
            leave(body.owner, changes + [owner.isList ? .listed : .field(body.name)])
        case .step, .human, .delay, .waitFor: break
        }
    }
}
