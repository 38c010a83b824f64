internal import FlatValue
internal import JSONSchema

extension Plan {
    /// The nodes with their schemas, and how they lie in one another. It says nothing of the code of callbacks, of texts for
    /// people and of where the script wrote what.
    func makeFingerprint() -> String {
        var print = Fingerprint()
        print.add(Int64(nodes.count))
        for index in nodes.indices {
            let node = nodes[index]
            let details = details[index]
            print.add(details.id)
            print.add(details.event ?? "")
            print.add(details.fallback?.json ?? "")
            let flags = [
                node.repeats, node.concurrent, node.waitsForAll, node.isList, node.hasOtherwise, node.callback != 0,
                node.conclude != 0, node.extra != 0, node.hasRetry,
            ]
            print.add(flags.reduce(0) { $0 << 1 | ($1 ? 1 : 0) })
            print.add(node.kind.recorded)
            for number in [node.next, node.body, node.firstBody, node.bodyCount, node.limit] {
                print.add(Int64(number))
            }
            print.add(node.duration)
            // Plans without it keep the fingerprints that their journals have.
            if node.compensate != 0 { print.add("compensate") }
            for schema in [node.inputSchema, node.outputSchema] { print.add(schemaText(schema)) }
        }
        for body in bodies {
            print.add(body.name)
            print.add(Int64(body.first))
        }
        return print.text
    }

    /// A schema as plain JSON Schema: the numbers of a script's functions differ from load to load.
    private func schemaText(_ index: Int32) -> String {
        schemas.indices.contains(Int(index)) ? schemas[Int(index)].export(withExtensions: false).json : ""
    }
}

extension NodeKind {
    /// The word for it in fingerprints, which journals keep.
    fileprivate var recorded: String {
        switch self {
        case .workflow: "workflow"
        case .step: "step"
        case .branch: "branch"
        case .loop: "loop"
        case .foreach: "foreach"
        case .parallel: "parallel"
        case .human: "human"
        case .delay: "delay"
        case .waitFor: "waitFor"
        }
    }
}
