/// What the system lets a process have at once.
package enum ProcessLimit {
    /// Open files and connections (`ulimit -n`).
    case descriptors
    /// Processes and threads of its user (`ulimit -u`).
    case processes

    /// The limit that holds now; nil for none.
    package var current: Int? {
        var limit = rlimit()
        #if canImport(Glibc)
            let number =
                switch self {
                case .descriptors: RLIMIT_NOFILE
                case .processes: __RLIMIT_NPROC
                }
            let status = getrlimit(.init(number.rawValue), &limit)
        #else
            let number =
                switch self {
                case .descriptors: RLIMIT_NOFILE
                case .processes: RLIMIT_NPROC
                }
            let status = getrlimit(number, &limit)
        #endif
        guard status == 0, limit.rlim_cur < rlim_t(Int64.max) else { return nil }
        return Int(limit.rlim_cur)
    }
}
