internal import FlatValue
internal import JSONSchema

extension FlowCheck {
    /// The values that `resolve` may give, nil where others are possible.
    func choices(of branch: NodeIndex, _ incoming: Sources) -> [Value]? {
        switch shapes[plan.details[Int(branch)].id, "resolve"] {
        case .choices(let values): return values
        case .field(let path):
            var values: [Value] = []
            for source in incoming {
                guard let choices = source.place[path]?.choices else { return nil }
                values += choices.filter { !values.contains($0) }
            }
            return incoming.isEmpty ? nil : values
        case nil: return nil
        }
    }

    /// Compares what `resolve` gives with the cases that there are.
    mutating func checkCases(of index: NodeIndex, _ choices: [Value]) {
        let node = plan.nodes[Int(index)]
        let cases = plan.bodies(of: index).map(\.name).dropLast(node.hasOtherwise ? 1 : 0)
        let chosen = choices.filter { $0 != .null }.map { node.isList ? $0.int.map(String.init) : $0.string }
        let isCertain = shapes[plan.details[Int(index)].id, "resolve"].map {
            if case .choices = $0 { true } else { false }
        }
        for (choice, name) in zip(choices.filter { $0 != .null }, chosen) where !cases.contains(name ?? "") {
            let list = cases.map { node.isList ? $0 : "'\($0)'" }.joined(separator: ", ")
            let hint = choice.string.map { suggestion(for: $0, in: cases) } ?? ""
            report(
                "\(self.name(index)) has no case \(choice.string.map { "'\($0)'" } ?? choice.json), which its `resolve` "
                    + (isCertain == true ? "gives" : "may give") + (hint.isEmpty ? "; its cases are \(list)" : hint),
                index, "undeclared_case", severity: isCertain == true ? .error : .warning, path: "resolve",
                isFinding: true)
        }
        let given = joinedAlternatives(choices.map { $0 == .null ? "nil" : $0.json })
        for name in cases where !chosen.contains(name) {
            report(
                "case \(node.isList ? name : "'\(name)'") of \(self.name(index)) is never chosen: its `resolve` gives only \(given)",
                index, "unreachable_case", severity: .warning, path: "cases.\(name)", isFinding: true)
        }
    }
}
