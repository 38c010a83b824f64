internal import FlatValue
internal import Platform
internal import WorkflowCore

/// A program as a script asks for it, checked and allowed.
struct ExecCall: Sendable {
    static let usualTimeout: Int64 = 60_000_000
    static let usualOutputLimit = 16 << 20
    static let largestOutputLimit = 256 << 20

    /// The program's file.
    var path: String
    var arguments: [String]
    /// `NAME=value` each: all that the program has.
    var environment: [String]
    /// nil for the folder that this process works in.
    var folder: String?
    var input: [UInt8]
    /// Microseconds.
    var timeout: Int64
    /// The most bytes of standard output, and of standard error.
    var outputLimit: Int

    /// Variables of this process that every program has.
    private static let usual = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
    ]

    /// Reads `{ argv, stdin?, cwd?, env?, timeout?, max_output? }`.
    ///
    /// - Throws: `permission_denied`, `program_not_found`, or what is wrong with it.
    init(_ payload: Value, _ permissions: Permissions, _ secrets: Secrets) throws(HostFailure) {
        let words = (payload["argv"]?.array ?? []).map(\.string)
        guard let name = words.first.flatMap(\.self), !name.isEmpty, words.count <= 4096,
            words.allSatisfy({ $0?.utf8.contains(0) == false })
        else { throw .invalid("argv takes the program and its arguments as texts") }
        arguments = words.compactMap(\.self)
        path = try Self.allowedProgram(name, permissions)
        folder = payload["cwd"]?.string
        guard folder?.has(byte: "\0") != true else { throw .invalid("cwd takes the path of a folder") }
        input = payload["stdin"]?.withCursor { $0.stringBytes.map(Array.init) } ?? []
        timeout = Self.usualTimeout
        if let given = payload["timeout"], !given.isNull {
            guard let duration = DurationText.microseconds(given), duration > 0 else {
                throw .invalid("timeout takes seconds or a text like \"5s\", got \(given.json)")
            }
            timeout = min(duration, HTTPCall.longestTimeout)
        }
        outputLimit = try ByteLimit.read(
            payload["max_output"], "max_output", usual: Self.usualOutputLimit, largest: Self.largestOutputLimit)
        environment = try Self.environment(payload["env"], permissions, secrets)
    }

    /// The file of a program, where a permission names that file.
    private static func allowedProgram(_ name: String, _ permissions: Permissions) throws(HostFailure) -> String {
        let denied = HostFailure.denied("running '\(name)'", flag: "--allow-run=\(name)")
        if permissions.run == .nothing { throw denied }
        let file = file(of: name)
        if case .only(let names) = permissions.run {
            // A program of that name elsewhere, such as one that the script wrote, is another one.
            guard let file, names.contains(where: { Self.file(of: $0)?.isSpelled(like: file) == true }) else {
                throw denied
            }
        }
        guard let file else {
            throw HostFailure("program_not_found", "there is no program '\(name)'", retryable: false)
        }
        return file
    }

    /// The file that a name stands for: by PATH, or by the path that it is; links are left for the program to see.
    static func file(of name: String) -> String? {
        if name.has(byte: "/") {
            let path = FilePath.absolute(name)
            return access(path, X_OK) == 0 ? path : nil
        }
        let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return folders.pieces(between: ":").lazy.map { "\($0)/\(name)" }
            .first { $0.begins(with: "/") && access($0, X_OK) == 0 && FileType(path: $0) == .file }
    }

    private static func environment(
        _ given: Value?, _ permissions: Permissions, _ secrets: Secrets
    ) throws(HostFailure) -> [String] {
        var variables: [String: String] = [:]
        for name in usual { variables[name] = getenv(name).map { String(cString: $0) } }
        for (name, value) in EnvironmentVariables.granted(permissions) { variables[name] = value }
        for (name, value) in given?.entries ?? [] {
            try EnvironmentVariables.check(name: name)
            if CodeVariables.includes(name), permissions.run != .everything {
                throw .denied("setting \(name)", flag: "--allow-run")
            }
            let text: String?
            if let use = SecretUse(value) {
                let secret = try secrets.value(
                    of: use.name, for: permissions, destinationIsNamed: permissions.namesPrograms)
                text = use.text(of: secret, secrets.redactor)
            } else {
                text = value.string ?? (value.number == nil ? nil : value.json)
            }
            guard let text, !text.utf8.contains(0) else {
                throw .invalid("the variable '\(name)' takes text, got \((given?[name] ?? .null).json.prefix(60))")
            }
            variables[name] = text
        }
        return variables.map { "\($0.key)=\($0.value)" }.sorted()
    }
}

extension FileType {
    /// What a path leads to; nil where there is nothing.
    init?(path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        self.init(mode: info.st_mode)
    }
}

/// The environment of this process, as far as scripts may see it.
enum EnvironmentVariables {
    static func granted(_ permissions: Permissions) -> [(String, String)] {
        if permissions.env == .nothing { return [] }
        var variables: [(String, String)] = []
        var entry = environ
        while let text = entry.pointee {
            let line = String(cString: text)
            if let equals = line.firstPlace(of: "=") {
                let name = String(line[..<equals])
                if permissions.allowsEnv(name) {
                    variables.append((name, String(line[line.utf8.index(after: equals)...])))
                }
            }
            entry += 1
        }
        return variables
    }

    static func check(name: String) throws(HostFailure) {
        guard !name.isEmpty, !name.has(byte: "="), !name.has(byte: "\0") else {
            throw .invalid("'\(name)' is no name of a variable")
        }
    }

    /// Carries out `env.get` and `env.all`.
    static func perform(_ operation: String, _ payload: Value, _ permissions: Permissions) throws(HostFailure) -> Value
    {
        guard operation == "env.get" else {
            if permissions.env == .nothing { throw .denied("reading the environment", flag: "--allow-env") }
            return Value(entries: granted(permissions).map { ($0.0, Value($0.1)) })
        }
        let name = payload["name"]?.string ?? ""
        try check(name: name)
        guard permissions.allowsEnv(name) else {
            throw .denied("reading the environment variable \(name)", flag: "--allow-env=\(name)")
        }
        return getenv(name).map { Value(String(cString: $0)) } ?? .null
    }
}
