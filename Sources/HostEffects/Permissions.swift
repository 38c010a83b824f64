internal import FlatValue

/// What scripts may do outside of the engine. Nothing is allowed unless it is given.
///
/// ```swift
/// let permissions = Permissions(net: .only(["api.example.com"]), read: .only(["data"]))
/// let engine = WorkflowEngine(host: GrantedEffects(permissions))
/// ```
public struct Permissions: Sendable, Equatable {
    /// The word that allows everything of a kind.
    package static let everything = "*"

    /// How much of a kind of effect is allowed.
    public enum Scope: Sendable, Equatable {
        case nothing
        /// Only what is named.
        case only([String])
        case everything

        /// Names are compared by their bytes, as the kernel and servers do.
        public static func == (left: Self, right: Self) -> Bool {
            switch (left, right) {
            case (.nothing, .nothing), (.everything, .everything): true
            case (.only(let names), .only(let others)): names.elementsEqual(others) { $0.isSpelled(like: $1) }
            default: false
            }
        }

        /// Reads the values of an option, each a list with commas; no value allows nothing. A comma behind a backslash is part of
        /// a name.
        package init(_ values: [String]) { self.init(names: values.flatMap(Self.names(in:))) }

        /// Names as they are; `*` among them is everything.
        package init(names: [String]) {
            self = names.contains(Permissions.everything) ? .everything : names.isEmpty ? .nothing : .only(names)
        }

        /// Reads hosts. Of a URL its host counts, with the port that is written or else that of its scheme; who may be called is
        /// not told apart by paths or users.
        public init(hosts values: [String]) {
            self.init(values)
            guard case .only(let names) = self else { return }
            self = .only(names.map(Permissions.host))
        }
    }

    /// Hosts that may be called: `example.com`, `example.com:8080`, `*.example.com`.
    public var net = Scope.nothing
    /// Environment variables that may be read: `NAME`, or `PREFIX*`.
    public var env = Scope.nothing
    /// Files and folders, from the root, that may be read, and written; a folder stands for all below it.
    public var read = Scope.nothing
    public var write = Scope.nothing
    /// Programs that may be run: names that PATH leads to a file for, or paths.
    public var run = Scope.nothing
    /// Environment variables that may be sent as secrets to places that are allowed without being named.
    public var secret = Scope.nothing
    /// Models that may be called, by their names; `PREFIX*` for all that begin so.
    public var model = Scope.nothing

    /// Whether a limit of the script made a list of what was everything: such a list is not the operator's.
    var isNetOpen = false
    var isRunOpen = false

    /// Whether whoever started the run named the hosts that may be called, and the programs that may be run.
    var namesHosts: Bool { net != .everything && !isNetOpen }
    var namesPrograms: Bool { run != .everything && !isRunOpen }

    public init() {}

    /// Permissions of a program; paths may go from the folder that it works in.
    public init(
        net: Scope = .nothing, env: Scope = .nothing, read: Scope = .nothing, write: Scope = .nothing,
        run: Scope = .nothing, secret: Scope = .nothing, model: Scope = .nothing
    ) {
        self.net = net
        self.env = env
        self.read = read.absolute
        self.write = write.absolute
        self.run = run.rooted
        self.secret = secret
        self.model = model
    }

    /// Everything of every kind.
    public static var all: Permissions {
        var all = Permissions()
        (all.net, all.env, all.read, all.write) = (.everything, .everything, .everything, .everything)
        (all.run, all.secret, all.model) = (.everything, .everything, .everything)
        return all
    }

    /// Whether a host may be called; `port` is the one that the request goes to.
    package func allowsNet(host: String, port: Int) -> Bool {
        switch net {
        case .nothing: return false
        case .everything: return true
        case .only(let names):
            let host = host.lowercased()
            return names.contains { Self.matches($0.lowercased(), host: host, port: port) }
        }
    }

    /// The `host` or `host:port` of a URL; other texts as they are.
    private static func host(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return String(text.part(before: "/")) }
        let port = ["http": 80, "https": 443][text[..<scheme.lowerBound].lowercased()]
        var host = text[scheme.upperBound...].part(before: "/?#\\")
        if let at = host.lastPlace(of: "@") { host = host[host.utf8.index(after: at)...] }
        let hasPort = host[(host.lastPlace(of: "]") ?? host.startIndex)...].has(byte: ":")
        return hasPort ? String(host) : port.map { "\(host):\($0)" } ?? String(host)
    }

    private static func matches(_ pattern: String, host: String, port: Int) -> Bool {
        var name = pattern[...]
        // An IPv6 address has colons of its own; with a port it stands in brackets.
        if name.begins(with: "["), let end = name.firstPlace(of: "]") {
            let rest = name[name.utf8.index(after: end)...]
            if let own = rest.rest(after: ":"), own != "\(port)" { return false }
            name = name[name.utf8.index(after: name.startIndex)..<end]
        } else if let colon = name.firstPlace(of: ":"), colon == name.lastPlace(of: ":") {
            if name[name.utf8.index(after: colon)...] != "\(port)" { return false }
            name = name[..<colon]
        }
        if let domain = name.rest(after: "*"), domain.begins(with: ".") {
            return host.ends(with: domain) && host.utf8.count > domain.utf8.count
        }
        return host.isSpelled(like: name)
    }

    /// Whether a model may be called, wherever it is served.
    package func allowsModel(_ name: String) -> Bool {
        switch model {
        case .nothing: false
        case .everything: true
        case .only(let names): names.contains { Scope.covers($0, name) }
        }
    }

    /// Whether an environment variable may be read.
    package func allowsEnv(_ name: String) -> Bool { env.names(name) }

    /// Whether an environment variable may be used as a secret wherever something may be sent.
    package func allowsSecret(_ name: String) -> Bool { secret.names(name) }
}

extension Permissions.Scope {
    /// Whether it has the name, as such or by `PREFIX*`.
    func names(_ name: String) -> Bool {
        switch self {
        case .nothing: false
        case .everything: true
        case .only(let names):
            names.contains { Self.covers($0, name) }
        }
    }

    /// Whether a name is meant by another one, or by `PREFIX*`.
    static func covers(_ pattern: String, _ name: String) -> Bool {
        pattern.ends(with: "*") ? name.utf8.starts(with: pattern.utf8.dropLast()) : name.isSpelled(like: pattern)
    }
}
