internal import LuaWorkflows
internal import Testing

extension LiveScript {
    /// Looks at the files, of which a new generation must come; the generation, and the files that changed.
    func refreshed(sourceLocation: SourceLocation = #_sourceLocation) async throws -> (LiveGeneration, [String]) {
        let refresh = await refresh()
        guard case .live(let generation, let changed, _) = refresh else {
            try #require(Bool(false), "not live but \(refresh)", sourceLocation: sourceLocation)
            throw CancellationError()
        }
        return (generation, changed)
    }
}

extension ScriptRefresh {
    var isUnchanged: Bool { if case .unchanged = self { true } else { false } }
    var isMissing: Bool { if case .missing = self { true } else { false } }
    var failure: ScriptError? { if case .failed(let error) = self { error } else { nil } }
    var restored: LiveGeneration? { if case .restored(let generation) = self { generation } else { nil } }
}
