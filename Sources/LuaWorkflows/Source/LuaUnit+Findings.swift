internal import CLuaBridge
internal import WorkflowCore

extension LuaUnit {
    /// The globals that every script has.
    private static let knownGlobals: [String] = (0...).lazy.map { lb_global_name($0) }.prefix { $0 != nil }.map {
        $0.map { String(cString: $0) } ?? ""
    }

    /// Names that stand for nothing: reading one, or giving it a value, raises an error once the code comes to it.
    func undefinedGlobals(in file: ScriptBundle.File) -> [DefinitionIssue] {
        if hasOwnGlobals { return [] }
        var seen: Set<String> = []
        return globals.compactMap { mention in
            let name = mention.name
            guard !mention.isGuarded, !Self.knownGlobals.contains(name), !declared.contains(name),
                seen.insert(name).inserted
            else { return nil }
            if mention.isAssignment {
                return mention.issue(
                    "undefined_global", "there is no global '\(name)' to assign to; declare it: local \(name) = …",
                    in: file)
            }
            let hint = suggestion(for: name, in: Self.knownGlobals)
            return mention.issue("undefined_global", "there is no global '\(name)'\(hint)", in: file)
        }
    }
}

extension LuaUnit.Mention {
    func issue(_ code: String, _ message: String, in file: ScriptBundle.File) -> DefinitionIssue {
        DefinitionIssue(message: message, location: "\(file.path):\(line)", path: "", code: code)
    }
}
