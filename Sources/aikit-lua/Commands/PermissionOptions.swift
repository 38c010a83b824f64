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

    @Option(
        name: .customLong("allow-secret"),
        help: ArgumentHelp(
            "Allow these environment variables, or all, as secrets wherever requests may go; without it they go to hosts "
                + "that --allow-net names.", valueName: "name,…"))
    var secret: [String] = []

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
        var permissions = Permissions()
        permissions.net = Permissions.Scope(net)
        permissions.model = Permissions.Scope(model)
        permissions.secret = Permissions.Scope(secret)
        return permissions
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
            problem.notes = ["the permissions that there are: --allow-net[=HOST,…] --allow-secret[=NAME,…]"]
            return problem
        }
        return nil
    }
}
