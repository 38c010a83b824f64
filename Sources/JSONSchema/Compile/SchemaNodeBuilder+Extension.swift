internal import FlatValue

extension SchemaNodeBuilder {
    /// Reads `x-aikit`.
    mutating func readExtension(_ compiler: inout SchemaCompiler) throws(SchemaError) {
        guard let cursor = keyword("x-aikit") else { return }
        guard cursor.isObject else { throw failure("x-aikit", "must be an object, not \(cursor.kindName)", compiler) }
        inDSL = true
        let result = SchemaExtension()
        result.alliedKeys = try compiler.keys(sharedBy: place, in: alliedKeys)
        if let unknown = cursor["unknown"] {
            guard let mode = unknown.string.flatMap(SchemaExtension.UnknownKeys.init) else {
                throw failure(
                    "x-aikit", "'unknown' must be strip, strict or passthrough, not \(unknown.brief)", compiler)
            }
            result.unknown = mode
        }
        result.coerce = cursor["coerce"]?.bool ?? false
        result.trim = cursor["trim"]?.bool ?? false
        result.lower = cursor["lower"]?.bool ?? false
        result.upper = cursor["upper"]?.bool ?? false
        result.optional = cursor["optional"]?.bool ?? false
        result.discriminator = cursor["discriminator"]?.string
        for item in cursor["functions"].map({ Array($0.items) }) ?? [] {
            if let slot = item["transform"] {
                result.functions.append(.transform(slot: try functionSlot(slot, compiler)))
            } else {
                result.functions.append(.refine(try refinement(item, compiler)))
            }
        }
        rules.extension = result
    }

    private func refinement(_ item: ValueCursor, _ compiler: SchemaCompiler) throws(SchemaError)
        -> SchemaExtension.Refinement
    {
        let path = item["path"].map { Array($0.items).compactMap { $0.string ?? $0.int.map(String.init) } } ?? []
        return SchemaExtension.Refinement(
            slot: try functionSlot(item["refine"], compiler), message: item["message"]?.string, path: path)
    }

    /// The number of a function of the script; the VM checks that there is one.
    private func functionSlot(_ cursor: ValueCursor?, _ compiler: SchemaCompiler) throws(SchemaError) -> Int {
        guard let slot = cursor?.int, let number = UInt32(exactly: slot), number > 0 else {
            throw failure("x-aikit", "'functions' must hold functions of the script", compiler)
        }
        return Int(number)
    }
}
