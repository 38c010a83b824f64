internal import ArgumentParser
internal import HostEffects

/// What scripts may do outside of the engine: nothing, unless it is given here.
struct PermissionOptions: ParsableArguments {
    @Option(
        name: .customLong("allow-net"),
        help: ArgumentHelp("Allow HTTP requests; to these hosts only where any are given.", valueName: "host,…"))
    var net: [String] = []

    @Option(
        name: .customLong("allow-model"),
        help: ArgumentHelp(
            "Allow calls of models, wherever they are served; of these only where any are given.", valueName: "name,…"))
    var model: [String] = []
}

extension PermissionOptions {
    /// What the options allow.
    var permissions: Permissions {
        var permissions = Permissions()
        permissions.net = Permissions.Scope(net)
        permissions.model = Permissions.Scope(model)
        return permissions
    }
}

extension CommandLineArguments {
    /// Permissions that are planned and do nothing yet: asking for one is an error, so that nobody relies on it.
    private static let missingPermissions = [
        "--allow-env": "read environment variables", "--allow-read": "read files", "--allow-write": "write files",
        "--allow-run": "run programs",
    ]

    /// What to say when a permission is given that does not exist yet.
    var missingPermission: Problem? {
        for word in words.prefix(while: { $0 != "--" }) {
            let option = String(word.prefix { $0 != "=" })
            guard let what = Self.missingPermissions[option] else { continue }
            var problem = Problem("\(option) is not supported yet: no script can \(what), so there is nothing to allow")
            problem.notes = ["the one permission that there is: --allow-net[=HOST,…]"]
            return problem
        }
        return nil
    }
}
