internal import FlatValue
internal import HostEffects
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// What a server is to be: of the command line, then of the environment, then of `aikit.json`, then as usual.
struct ServeSettings {
    var paths: [String] = []
    var host = "127.0.0.1"
    var port = 8787
    var basePath = ""
    var store: String?
    var workers: Int?
    var watches = true
    var hasDashboard = true
    var origins: [String] = []
    var certificate: String?
    var key: String?
    var isInsecure = false
    /// In microseconds.
    var grace: Int64 = 30_000_000
    /// In bytes.
    var bodyLimit = 10 << 20
    var logFormat = LogFormat.text
    var jwtSecretVariable: String?
    var jwks: String?
    var jwtIssuer: String?
    var jwtAudience: String?
    var jwtRoleClaim: String?
    var jwtNameClaim: String?
    /// What a token without a role may do; `none` refuses it.
    var jwtDefaultRole: String?
    var permissions = Permissions()
    /// Where secrets come from besides the environment.
    var secrets = SecretSettings()
    /// How Lua is kept apart from the server.
    var isolation: IsolationChoice
    /// The OTLP/HTTP server that gets the traces, besides those of the environment.
    var otlp: String?

    /// The settings that a file may hold, each with the variable that goes before it.
    static let names = [
        "host", "port", "basePath", "store", "workers", "watch", "dashboard", "cors", "tlsCert", "tlsKey", "insecure",
        "grace", "maxBody", "logFormat", "jwtSecretEnv", "jwks", "jwtIssuer", "jwtAudience", "jwtRoleClaim",
        "jwtNameClaim", "jwtDefaultRole", "allowNet", "allowEnv", "allowRead", "allowWrite", "allowRun", "allowSecret",
        "allowModel", "secrets", "secretsCommand", "otlp", "isolate",
    ]

    /// The folder in which the scripts lie, with a slash at its end; empty for the current one.
    static func folder(of path: String) -> String {
        if path == "." || path.isEmpty { return "" }
        var info = stat()
        let isFile = stat(path, &info) == 0 && info.st_mode & S_IFMT != S_IFDIR
        if isFile || path.hasSuffix(".lua") { return String(path.folderPart) }
        return path.hasSuffix("/") ? path : path + "/"
    }

    /// The name of a setting's variable: `AIKIT_BASE_PATH` for `basePath`.
    static func variable(of name: String) -> String {
        "AIKIT_" + name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1)" : $1.uppercased() }
    }

    /// The settings for scripts at and below paths, the current folder where none is named; raises the limit of descriptors.
    ///
    /// - Parameters:
    ///   - flags: what the command line says, by the names of the settings.
    ///   - isolation: how Lua is kept apart where nothing says it.
    static func of(
        _ paths: [String], flags: [String: Value], isolation: IsolationChoice
    ) throws(UsageError) -> ServeSettings {
        let paths = paths.isEmpty ? ["."] : paths
        var settings = try read(
            file: file(beside: paths[0]), in: folder(of: paths[0]), flags: flags, isolation: isolation)
        settings.paths = paths
        // What is wrong with the paths shows before anything begins.
        _ = try ScriptFolders.scripts(at: paths)
        if let shortage = ProcessStart.serviceShortage { throw UsageError(shortage) }
        return settings
    }

    /// What `aikit.json` says; nil where there is none.
    private static func file(beside path: String) throws(UsageError) -> Value? {
        let name = folder(of: path) + "aikit.json"
        switch FileText.read(name, limit: 1 << 20) {
        // Neither is there where the path is no folder's; what is wrong with it is said when it is read.
        case .failure(.system(ENOENT)), .failure(.system(ENOTDIR)): return nil
        case .failure(let failure): throw UsageError("cannot read \(name): \(failure.message)")
        case .success(let bytes):
            let value: Value
            do throws(JSONError) {
                value = try Value(json: String(decoding: bytes, as: UTF8.self), isStrict: true)
            } catch {
                throw UsageError("\(name):\(error)")
            }
            guard value.entries != nil else { throw UsageError("\(name) has to be an object") }
            return value
        }
    }

    /// Takes what `aikit.json` says, then what the environment says.
    ///
    /// - Parameters:
    ///   - folder: that of the file, which its paths are relative to; empty for the current one.
    ///   - flags: what the command line says, by the names of the settings; it goes before all.
    ///   - isolation: how Lua is kept apart where nothing says it.
    static func read(
        file: Value?, in folder: String = "", flags: [String: Value], isolation: IsolationChoice,
        environment: (String) -> String? = environment
    ) throws(UsageError) -> ServeSettings {
        var settings = ServeSettings(isolation: isolation)
        for (name, value) in file?.entries ?? [] {
            guard names.contains(name) else {
                let hint = nearest(to: name, in: names).map { "; did you mean '\($0)'?" } ?? ""
                throw UsageError("aikit.json has no setting '\(name)'\(hint)")
            }
            try settings.set(name, located(name, value, in: folder), source: "aikit.json: \(name)")
        }
        if let port = environment("PORT") { try settings.set("port", Value(port), source: "PORT") }
        for name in names {
            let variable = variable(of: name)
            if let text = environment(variable) { try settings.set(name, Value(text), source: variable) }
        }
        for name in names {
            if let value = flags[name] { try settings.set(name, value, source: "--" + flag(of: name)) }
        }
        return settings
    }

    /// A path of the file as one of the current folder; anything else as it is.
    private static func located(_ name: String, _ value: Value, in folder: String) -> Value {
        if ["allowRead", "allowWrite", "allowRun"].contains(name) {
            guard let names = value.array ?? value.string.map({ Permissions.Scope.names(in: $0).map { Value($0) } })
            else { return value }
            return Value(
                array: names.map { item in
                    guard let text = item.string, !text.isEmpty, text != Permissions.everything, !text.hasPrefix("/"),
                        name != "allowRun" || text.contains("/")
                    else { return item }
                    return Value(folder + text)
                })
        }
        guard ["store", "tlsCert", "tlsKey", "secrets"].contains(name), let text = value.string, !text.isEmpty,
            text != "memory", !text.hasPrefix("/"), !text.contains(":")
        else { return value }
        return Value(folder + text)
    }

    private static func flag(of name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : "\($1)" }
    }

    private mutating func set(_ name: String, _ value: Value, source: String) throws(UsageError) {
        let given = GivenSetting(value: value, source: source)
        switch name {
        case "host": host = try given.name()
        case "port": port = try given.number(0...65_535)
        case "basePath": basePath = try given.route()
        case "store": store = try given.text()
        case "workers": workers = try given.number(1...256)
        case "watch": watches = try given.flag()
        case "dashboard": hasDashboard = try given.flag()
        case "cors": origins = try given.origins()
        case "tlsCert": certificate = try given.text()
        case "tlsKey": key = try given.text()
        case "insecure": isInsecure = try given.flag()
        case "grace": grace = try given.duration()
        case "maxBody": bodyLimit = try given.size()
        case "logFormat": logFormat = try given.choice()
        case "jwtSecretEnv": jwtSecretVariable = try given.text()
        case "jwks": jwks = try given.text()
        case "jwtIssuer": jwtIssuer = try given.text()
        case "jwtAudience": jwtAudience = try given.text()
        case "jwtRoleClaim": jwtRoleClaim = try given.text()
        case "jwtNameClaim": jwtNameClaim = try given.text()
        case "jwtDefaultRole": jwtDefaultRole = try given.choice(of: ["read", "run", "admin", "none"])
        case "allowNet": permissions.net = try given.hosts()
        case "allowEnv": permissions.env = try given.scope()
        case "allowRead": permissions.read = try given.scope().absolute
        case "allowWrite": permissions.write = try given.scope().absolute
        case "allowRun": permissions.run = try given.scope().rooted
        case "allowSecret": permissions.secret = try given.scope()
        case "allowModel": permissions.model = try given.scope()
        case "secrets": secrets.file = try given.text()
        case "secretsCommand": secrets.command = try given.text()
        case "otlp": otlp = try given.text()
        case "isolate": isolation = try given.isolation()
        default: break
        }
    }

    /// Whether only this machine can reach the server.
    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
