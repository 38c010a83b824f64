/// Finds the scripts at and below paths: every `.lua` file but tests, hidden ones, and what lies in folders of other
/// tools.
enum ScriptFolders {
    /// What was found; a file that was named is told from one that only lay there.
    struct Found: Equatable {
        var path: String
        var isNamed: Bool
        /// It is there, and no path leads to it; nothing can be loaded.
        var isUnnamable = false
    }

    static func scripts(at paths: [String]) throws(UsageError) -> [Found] {
        var found: [Found] = []
        func isScript(_ path: String) -> Bool { path.hasSuffix(".lua") && !path.hasSuffix(TestDiscovery.suffix) }
        try ProjectFolders.visit(
            paths,
            unnamable: { path in
                guard path.hasSuffix("/") || isScript(path) else { return }
                found.append(Found(path: path, isNamed: false, isUnnamable: true))
            },
            file: { path, isNamed in
                if isNamed || isScript(path) { found.append(Found(path: path, isNamed: isNamed)) }
            })
        var seen: Set<[UInt8]> = []
        return found.sorted { $0.path < $1.path }.filter { seen.insert(Array($0.path.utf8)).inserted }
    }
}

extension String {
    /// Whether it names the same file: texts that Swift takes for equal may differ in their bytes, as `é` does that is written as one
    /// character or as two.
    func isSamePath(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
