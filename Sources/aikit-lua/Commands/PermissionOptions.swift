internal import ArgumentParser
internal import FlatValue
internal import HostEffects
internal import WorkflowCore

/// What scripts may do outside of the engine: nothing, unless it is given here.
struct PermissionOptions: ParsableArguments {
    @Option(
        name: .customLong("allow-net"),
        help: ArgumentHelp("Allow HTTP requests; to these hosts only where any are given.", valueName: "host,…"))
    var net: [String] = []

    @Option(
        name: .customLong("allow-env"),
        help: ArgumentHelp(
            "Allow reading the environment; these variables only where any are given, PREFIX* for some.",
            valueName: "name,…"))
    var env: [String] = []

    @Option(
        name: .customLong("allow-read"),
        help: ArgumentHelp(
            "Allow reading files; these, and what lies below, only where any are given.", valueName: "path,…"))
    var read: [String] = []

    @Option(
        name: .customLong("allow-write"),
        help: ArgumentHelp(
            "Allow writing files; these, and what lies below, only where any are given.", valueName: "path,…"))
    var write: [String] = []

    @Option(
        name: .customLong("allow-run"),
        help: ArgumentHelp("Allow running programs; these only where any are given.", valueName: "program,…"))
    var programs: [String] = []

    @Option(
        name: .customLong("allow-model"),
        help: ArgumentHelp(
            "Allow calls of models, wherever they are served; of these only where any are given.", valueName: "name,…"))
    var model: [String] = []

    @Option(
        name: .customLong("allow-secret"),
        help: ArgumentHelp(
            "Allow these environment variables, or all, as secrets wherever requests may go; without it they go to hosts "
                + "that --allow-net names.", valueName: "name,…"))
    var secret: [String] = []

    @Flag(name: [.customShort("A"), .customLong("allow-all")], help: "Allow all of it.")
    var all = false

    @Option(
        help: ArgumentHelp(
            "Read secrets from a file with NAME=value lines or JSON that only you may read.", valueName: "file"),
        completion: .file())
    var secrets: String?

    @Option(help: ArgumentHelp("Read secrets from what a shell command prints.", valueName: "command"))
    var secretsCommand: String?
}

extension PermissionOptions {
    /// What the options allow.
    var permissions: Permissions {
        Self.permissions(
            all: all,
            [
                "--allow-net": net, "--allow-env": env, "--allow-read": read, "--allow-write": write,
                "--allow-run": programs, "--allow-secret": secret, "--allow-model": model,
            ])
    }

    /// - Parameter values: what each option was given, by its name.
    static func permissions(all: Bool, _ values: [String: [String]]) -> Permissions {
        if all { return .all }
        var permissions = Permissions()
        permissions.net = Permissions.Scope(hosts: values["--allow-net"] ?? [])
        permissions.env = Permissions.Scope(values["--allow-env"] ?? [])
        permissions.read = Permissions.Scope(paths: values["--allow-read"] ?? [])
        permissions.write = Permissions.Scope(paths: values["--allow-write"] ?? [])
        permissions.run = Permissions.Scope(programs: values["--allow-run"] ?? [])
        permissions.secret = Permissions.Scope(values["--allow-secret"] ?? [])
        permissions.model = Permissions.Scope(values["--allow-model"] ?? [])
        return permissions
    }

    /// The same by the names of a server's settings.
    var settings: [String: Value] {
        var settings: [String: Value] = [:]
        let lists = [
            "allowNet": net, "allowEnv": env, "allowRead": read, "allowWrite": write, "allowRun": programs,
            "allowSecret": secret, "allowModel": model,
        ]
        for (name, list) in lists {
            if all {
                settings[name] = true
            } else if !list.isEmpty {
                settings[name] = Value(array: list.flatMap(Permissions.Scope.names(in:)).map { Value($0) })
            }
        }
        if let secrets { settings["secrets"] = Value(secrets) }
        if let secretsCommand { settings["secretsCommand"] = Value(secretsCommand) }
        return settings
    }

    /// Where secrets come from besides the environment.
    var secretSettings: SecretSettings { SecretSettings(file: secrets, command: secretsCommand) }
}

extension SecretSettings {
    /// Reads them, before anything runs.
    func open() throws(UsageError) -> Secrets {
        do {
            return try Secrets(self)
        } catch {
            throw UsageError(Problem(error.message, code: error.code))
        }
    }

    /// The options that name them, for a shell, each after a blank.
    var arguments: String {
        (file.map { " --secrets \(shellQuoted($0))" } ?? "")
            + (command.map { " --secrets-command \(shellQuoted($0))" } ?? "")
    }
}
