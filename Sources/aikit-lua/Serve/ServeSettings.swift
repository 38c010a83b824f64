internal import FlatValue
internal import HostEffects
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
        if path.hasSuffix(".lua") { return path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }
        return path.hasSuffix("/") ? path : path + "/"
    }

    /// The name of a setting's variable: `AIKIT_BASE_PATH` for `basePath`.
    static func variable(of name: String) -> String {
        "AIKIT_" + name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1)" : $1.uppercased() }
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
        guard ["store", "tlsCert", "tlsKey", "secrets"].contains(name), let text = value.string, !text.isEmpty,
            text != "memory", !text.hasPrefix("/"), !text.contains(":")
        else { return value }
        return Value(folder + text)
    }

    private static func flag(of name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : "\($1)" }
    }

    private mutating func set(_ name: String, _ value: Value, source: String) throws(UsageError) {
        func text() throws(UsageError) -> String {
            guard let text = value.string else { throw UsageError("\(source) has to be a text") }
            return text
        }
        func number(_ range: ClosedRange<Int>) throws(UsageError) -> Int {
            guard let number = value.int.map({ Int($0) }) ?? value.string.flatMap({ Int($0) }), range.contains(number)
            else {
                throw UsageError("\(source) has to be a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        func flag() throws(UsageError) -> Bool {
            switch value.bool.map({ String($0) }) ?? value.string {
            case "true", "1": return true
            case "false", "0": return false
            default: throw UsageError("\(source) has to be true or false")
            }
        }
        func list() throws(UsageError) -> [String] {
            if let items = value.array {
                let texts = items.compactMap(\.string)
                if texts.count == items.count { return texts }
            } else if let text = value.string {
                return text.split(separator: ",").map(String.init)
            }
            throw UsageError("\(source) has to be a list of texts")
        }
        func scope() throws(UsageError) -> Permissions.Scope {
            if let all = value.bool { return Permissions.Scope(all ? [Permissions.everything] : []) }
            return Permissions.Scope(try list())
        }
        switch name {
        case "host": host = try text()
        case "port": port = try number(0...65_535)
        case "basePath":
            let path = try text().split(separator: "/").joined(separator: "/")
            basePath = path.isEmpty ? "" : "/" + path
        case "store": store = try text()
        case "workers": workers = try number(1...256)
        case "watch": watches = try flag()
        case "dashboard": hasDashboard = try flag()
        case "cors": origins = try list()
        case "tlsCert": certificate = try text()
        case "tlsKey": key = try text()
        case "insecure": isInsecure = try flag()
        case "grace":
            guard let time = DurationText.microseconds(try text()), time >= 0 else {
                throw UsageError("\(source) takes a duration such as 30s")
            }
            grace = time
        case "maxBody":
            guard let size = Self.bytes(value.int.map { String($0) } ?? value.string ?? "") else {
                throw UsageError("\(source) takes a size such as 10MiB")
            }
            bodyLimit = size
        case "logFormat":
            guard let format = LogFormat(rawValue: try text()) else {
                throw UsageError("\(source) takes text or json")
            }
            logFormat = format
        case "jwtSecretEnv": jwtSecretVariable = try text()
        case "jwks": jwks = try text()
        case "jwtIssuer": jwtIssuer = try text()
        case "jwtAudience": jwtAudience = try text()
        case "jwtRoleClaim": jwtRoleClaim = try text()
        case "jwtNameClaim": jwtNameClaim = try text()
        case "jwtDefaultRole":
            let role = try text()
            guard role == "none" || AccessToken.Role(rawValue: role) != nil else {
                throw UsageError("\(source) takes read, run, admin or none")
            }
            jwtDefaultRole = role
        case "allowNet": permissions.net = try value.bool == nil ? Permissions.Scope(hosts: list()) : scope()
        case "allowEnv": permissions.env = try scope()
        case "allowRead": permissions.read = try scope().absolute
        case "allowWrite": permissions.write = try scope().absolute
        case "allowRun": permissions.run = try scope()
        case "allowSecret": permissions.secret = try scope()
        case "allowModel": permissions.model = try scope()
        case "secrets": secrets.file = try text()
        case "secretsCommand": secrets.command = try text()
        case "otlp": otlp = try text()
        case "isolate":
            let word = value.bool.map { $0 ? "shared" : "none" } ?? value.string ?? ""
            guard let choice = IsolationChoice(rawValue: word) else {
                let words = IsolationChoice.allCases.map(\.rawValue).joined(separator: ", ")
                throw UsageError("\(source) takes \(words), got '\(word)'")
            }
            isolation = choice
        default: break
        }
    }

    /// `10MiB`, `512KiB`, `1GiB` or a number of bytes; at most a gibibyte.
    static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number > 0 else { return nil }
        let units = ["": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30]
        guard let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: unit)
        return overflows || bytes > 1 << 30 ? nil : bytes
    }

    /// Whether only this machine can reach the server.
    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
