internal import ArgumentParser
internal import HostEffects

/// What scripts may do outside of the engine: nothing, unless it is given here.
struct PermissionOptions: ParsableArguments {
    @Option(
        name: .customLong("allow-net"),
        help: ArgumentHelp("Allow HTTP requests; to these hosts only where any are given.", valueName: "host,…"))
    var net: [String] = []

    @Option(
        name: .customLong("allow-env"),
        help: ArgumentHelp("Allow reading environment variables; these only where any are given.", valueName: "name,…"))
    var env: [String] = []

    @Option(
        name: .customLong("allow-read"),
        help: ArgumentHelp("Allow reading files; below these paths only where any are given.", valueName: "path,…"))
    var read: [String] = []

    @Option(
        name: .customLong("allow-write"),
        help: ArgumentHelp("Allow writing files; below these paths only where any are given.", valueName: "path,…"))
    var write: [String] = []

    @Option(
        name: .customLong("allow-run"),
        help: ArgumentHelp("Allow running programs; these only where any are given.", valueName: "program,…"))
    var run: [String] = []
}

extension PermissionOptions {
    /// What the options allow.
    var permissions: Permissions {
        var permissions = Permissions()
        permissions.net = Permissions.Scope(net)
        permissions.env = Permissions.Scope(env)
        permissions.read = Permissions.Scope(read)
        permissions.write = Permissions.Scope(write)
        permissions.run = Permissions.Scope(run)
        return permissions
    }
}
