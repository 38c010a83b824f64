internal import HostEffects
internal import LuaWorkflows

extension LuaScript {
    /// The permissions that the script says it needs.
    var required: Permissions { requirements.reduce(Permissions()) { $0.union(Permissions(declared: $1)) } }

    /// - Throws: what is missing, with the options that give it; nothing of the script has run.
    func requirePermissions(in granted: Permissions) throws(UsageError) {
        let missing = granted.missing(of: required)
        guard missing != Permissions() else { return }
        var problem = Problem("the script needs permissions that it was not given", code: "permission_denied")
        problem.file = path
        problem.notes = ["to give them, add:\(missing.arguments)"]
        throw UsageError(problem)
    }
}
