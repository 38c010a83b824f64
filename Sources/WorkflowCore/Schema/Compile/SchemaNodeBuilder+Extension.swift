extension SchemaNodeBuilder {
    /// Reads `x-aikit`.
    mutating func readExtension(_ compiler: inout SchemaCompiler) throws(SchemaError) {
        guard let cursor = keyword("x-aikit") else { return }
        guard cursor.isObject else { throw failure("x-aikit", "must be an object, not \(cursor.kindName)", compiler) }
        inDSL = true
        let result = SchemaExtension()
        result.alliedKeys = alliedKeys.union(try IntersectionKeys.declared(by: place.cursor, at: place, &compiler))
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
        for item in cursor["refine"].map({ Array($0.items) }) ?? [] {
            guard let slot = (item.int ?? item["slot"]?.int).map(Int.init) else {
                throw failure("x-aikit", "'refine' must hold functions", compiler)
            }
            let path = item["path"].map { Array($0.items).compactMap { $0.string ?? $0.int.map(String.init) } } ?? []
            result.refine.append(.init(slot: slot, message: item["message"]?.string, path: path))
        }
        for item in cursor["transform"].map({ Array($0.items) }) ?? [] {
            guard let slot = (item.int ?? item["slot"]?.int).map(Int.init) else {
                throw failure("x-aikit", "'transform' must hold functions", compiler)
            }
            result.transform.append(slot)
        }
        rules.extension = result
    }
}
