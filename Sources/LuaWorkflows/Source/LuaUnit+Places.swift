extension LuaUnit {
    /// The line on which the table of a node says that its id is `id`.
    ///
    /// Of a table in a chain Lua knows only the line on which the chain begins, or that of a function in the table, which is
    /// what `line` is then.
    func line(ofID id: String, near line: Int) -> Int? {
        let candidates = tables.filter { table in
            guard table.idLine > 0, case .string(let name)? = table.fields["id"] else { return false }
            return name == id
        }
        let around = candidates.filter { $0.lines.contains(line) }.min { $0.lines.count < $1.lines.count }
        return around?.idLine ?? candidates.lazy.map(\.idLine).filter { $0 >= line }.min()
    }
}
