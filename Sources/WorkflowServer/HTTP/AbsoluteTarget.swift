/// The target of a request that names the server as well, as a proxy is asked: `GET http://host/path HTTP/1.1`.
struct AbsoluteTarget: Equatable {
    /// The host and the port, as a header `Host` has them.
    var authority: String
    /// What follows, as the target has it of a request that goes to the server itself.
    var path: String

    enum Fault: Error {
        /// It names no server by http or https, or a user with it.
        case noServer
    }

    /// Nil for a target in another form.
    ///
    /// - Parameter isOptions: whether the method is OPTIONS, to which a server without a path means all of it.
    init?(_ target: String, isOptions: Bool) throws(Fault) {
        guard !target.hasPrefix("/"), let mark = target.firstRange(of: "://") else { return nil }
        let (scheme, rest) = (target[..<mark.lowerBound].lowercased(), target[mark.upperBound...])
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard scheme == "http" || scheme == "https", !authority.isEmpty, !authority.contains("@") else {
            throw .noServer
        }
        self.authority = String(authority)
        let path = rest[authority.endIndex...].prefix { $0 != "#" }
        if path.isEmpty {
            self.path = isOptions ? "*" : "/"
        } else {
            self.path = path.hasPrefix("/") ? String(path) : "/" + path
        }
    }
}
