internal import FlatValue

extension Plan {
    /// The bodies of a node in the order in which they are shown: numbers in names as people count, `otherwise` last.
    package func shownBodies(of index: NodeIndex) -> [Body] {
        let bodies = Array(bodies(of: index))
        let node = nodes[Int(index)]
        guard node.kind == .branch || node.kind == .parallel, !node.isList else { return bodies }
        let rest = node.hasOtherwise ? 1 : 0
        let named = bodies.dropLast(rest).map { (body: $0, parts: Self.parts(of: $0.name)) }
        return named.sorted { Self.comes($0.parts, before: $1.parts) }.map(\.body) + bodies.suffix(rest)
    }

    /// A name as texts and the numbers between them, which it begins with a text.
    private static func parts(of name: String) -> [(text: Substring, number: Substring)] {
        var parts: [(text: Substring, number: Substring)] = []
        var rest = Substring(name)
        while !rest.isEmpty {
            let text = rest.prefix { !isDigit($0) }
            let number = rest[text.endIndex...].prefix(while: isDigit)
            parts.append((text, number.drop { $0 == "0" }))
            rest = rest[number.endIndex...]
        }
        return parts
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private static func comes(
        _ one: [(text: Substring, number: Substring)], before other: [(text: Substring, number: Substring)]
    ) -> Bool {
        for (left, right) in zip(one, other) {
            if left.text != right.text { return left.text < right.text }
            // Of two numbers without zeros in front the longer one is larger.
            let (few, many) = (left.number.utf8.count, right.number.utf8.count)
            if few != many { return few < many }
            if left.number != right.number { return left.number < right.number }
        }
        return one.count < other.count
    }
}
