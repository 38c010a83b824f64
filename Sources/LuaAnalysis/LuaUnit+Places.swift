extension LuaUnit {
    /// The line on which the table of a node says that its id is `id`.
    ///
    /// Of a table in a chain Lua knows only the line on which the chain begins, or that of a function in the table, which is
    /// what `line` is then.
    ///
    /// - Parameter taken: the lines of nodes of this id that come earlier in the chain.
    package func line(ofID id: String, near line: Int, taken: Set<Int> = []) -> Int? {
        let candidates = tables.filter { table in
            guard table.idLine > 0, case .string(let name)? = table.fields["id"] else { return false }
            return name == id
        }
        let around = candidates.filter { $0.lines.contains(line) }.min { $0.lines.count < $1.lines.count }
        if let around { return around.idLine }
        let below = candidates.map(\.idLine).filter { $0 >= line }
        return below.filter { !taken.contains($0) }.min() ?? below.max()
    }

    /// The line of a key inside the table of a node: `path` is the node's place in the tree and the key, such as
    /// `enrich/translate.retry.jitter` or `schedules[2].cron`.
    ///
    /// - Parameter idLine: the line on which the table says its id.
    /// - Returns: the line of as much of the key as stands in the table; nil where nothing of it does.
    package func line(ofKeyAt path: String, idLine: Int) -> Int? {
        let node = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        for table in tables where table.idLine == idLine {
            guard case .string(let id)? = table.fields["id"] else { continue }
            // The path of a workflow's own key is the key alone.
            let key = node.hasPrefix(id + ".") ? node.dropFirst(id.count + 1) : path.contains("/") ? "" : node
            if let line = Self.line(of: key.split(separator: "."), in: table) { return line }
        }
        return nil
    }

    private static func line(of key: [Substring], in table: LuaTable) -> Int? {
        var (table, found) = (table, Int?.none)
        for part in key {
            let (name, index) = Self.indexed(part)
            guard let line = table.fieldLines[name] else { break }
            found = line
            guard case .table(let inner)? = table.fields[name]?.resolved else { break }
            table = inner
            if let index {
                guard inner.items.indices.contains(index - 1) else { break }
                found = inner.items[index - 1].line
                guard case .table(let item) = inner.items[index - 1].value.resolved else { break }
                table = item
            }
        }
        return found
    }

    /// The name of a part such as `schedules[2]`, and its index from 1; without an index the part is the name.
    private static func indexed(_ part: Substring) -> (name: String, index: Int?) {
        guard part.hasSuffix("]"), let open = part.lastIndex(of: "["),
            let index = Int(part[part.index(after: open)...].dropLast()), index > 0
        else { return (String(part), nil) }
        return (String(part[..<open]), index)
    }
}
