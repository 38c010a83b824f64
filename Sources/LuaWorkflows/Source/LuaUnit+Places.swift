extension LuaUnit {
    /// The line on which the table of a node says that its id is `id`.
    ///
    /// Of a table in a chain Lua knows only the line on which the chain begins, or that of a function in the table, which is
    /// what `line` is then.
    ///
    /// - Parameter taken: the lines of nodes of this id that come earlier in the chain.
    func line(ofID id: String, near line: Int, taken: Set<Int> = []) -> Int? {
        let candidates = tables.filter { table in
            guard table.idLine > 0, case .string(let name)? = table.fields["id"] else { return false }
            return name == id
        }
        let around = candidates.filter { $0.lines.contains(line) }.min { $0.lines.count < $1.lines.count }
        if let around { return around.idLine }
        let below = candidates.map(\.idLine).filter { $0 >= line }
        return below.filter { !taken.contains($0) }.min() ?? below.max()
    }
}
