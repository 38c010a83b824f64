internal import Platform

/// What VM processes have in their environment.
enum VMEnvironment {
    /// Local time is all that it tells, and no debugger is to be started when the process dies.
    static let variables: [String] = {
        let zone = getenv("TZ").map { String(cString: $0) } ?? ":/etc/localtime"
        return ["TZ=\(zone)", "SWIFT_BACKTRACE=enable=no"]
    }()
}
