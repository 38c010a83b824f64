internal import FlatValue
internal import Platform
internal import WorkflowCore

/// Where secrets are read from besides the environment.
package struct SecretSettings: Sendable, Equatable {
    /// A file with lines `NAME=value` or a JSON object; see ``SecretsReader``.
    package var file: String?
    /// A command for `/bin/sh` that prints the same.
    package var command: String?

    package init(file: String? = nil, command: String? = nil) {
        self.file = file
        self.command = command
    }
}

/// The secrets of a process: a file, a command, then the environment.
///
/// Scripts hold their names alone. Host code that sends a value somewhere takes it from here at the last moment, when the
/// destination has been checked; the ``redactor`` then keeps it out of all that comes back. Any thread.
package final class Secrets: Sendable {
    package let redactor = Redactor()
    private let given: [String: String]
    private let environment: @Sendable (String) -> String?

    /// The environment alone.
    package convenience init() { self.init(given: [:]) }

    /// Reads the file and runs the command, whose values go before those of the file.
    ///
    /// - Throws: what is wrong with either, for who started the process.
    package convenience init(_ settings: SecretSettings) throws(SecretFailure) {
        var given: [String: String] = [:]
        if let file = settings.file { given = try SecretsReader.read(file: file) }
        if let command = settings.command {
            for (name, value) in try SecretsReader.read(command: command) { given[name] = value }
        }
        self.init(given: given)
    }

    package init(
        given: [String: String],
        environment: @escaping @Sendable (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) {
        self.given = given
        self.environment = environment
        for (name, value) in given { redactor.add(value, name: name) }
    }

    /// The value of a secret for the host's own use, such as the key of a model that the operator configured.
    package func value(of name: String) throws(SecretFailure) -> String {
        guard let value = given[name] ?? environment(name), !value.isEmpty else {
            throw SecretFailure(
                "secret_missing",
                "there is no secret '\(name)': set the environment variable, or name a file with --secrets")
        }
        guard value.utf8.count >= Redactor.shortestValue else {
            throw SecretFailure(
                "secret_refused",
                "the secret '\(name)' is shorter than \(Redactor.shortestValue) bytes, too short to be kept secret")
        }
        redactor.add(value, name: name)
        return value
    }

    /// The value of a secret that a script names, for a destination that has been allowed.
    ///
    /// What the operator gave as secrets may be used. A variable of the environment may where the operator named the
    /// destination, or the variable: a script that may reach every host could otherwise send all of the environment away.
    ///
    /// - Parameters:
    ///   - destinationIsNamed: whether the permission that allowed the destination named it.
    ///   - host: the host that it goes to, as `--allow-net` takes it; nil for another kind of destination.
    func value(
        of name: String, for permissions: Permissions, destinationIsNamed: Bool, host: String? = nil
    ) throws(HostFailure) -> String {
        let mayBeUsed =
            given[name] != nil || destinationIsNamed || permissions.allowsSecret(name) || permissions.allowsEnv(name)
        guard mayBeUsed else {
            let place = host.map { "\($0), which no permission names," } ?? "a place that no permission names"
            let flag = "--allow-secret=\(name)"
            let either = host.map { "--allow-net=\($0) or \(flag)" } ?? flag
            var failure = HostFailure.denied(
                "sending the environment variable \(name) as a secret to \(place)", flag: either)
            failure.details = ["flag": Value(flag)]
            throw failure
        }
        do {
            return try value(of: name)
        } catch {
            throw HostFailure(error)
        }
    }
}
