/// What the system lets a process have at once.
package enum ProcessLimit {
    /// Open files and connections (`ulimit -n`).
    case descriptors
    /// Processes and threads of its user (`ulimit -u`).
    case processes
    /// Bytes of address space (`ulimit -v`).
    case addressSpace
    /// Bytes of data, stacks and memory of its own (`ulimit -d`).
    case data

    /// The limit that holds now; nil for none.
    package var current: Int? {
        var limit = rlimit()
        #if canImport(Glibc)
            let number =
                switch self {
                case .descriptors: RLIMIT_NOFILE
                case .processes: __RLIMIT_NPROC
                case .addressSpace: RLIMIT_AS
                case .data: RLIMIT_DATA
                }
            let status = getrlimit(.init(number.rawValue), &limit)
        #else
            let number =
                switch self {
                case .descriptors: RLIMIT_NOFILE
                case .processes: RLIMIT_NPROC
                case .addressSpace: RLIMIT_AS
                case .data: RLIMIT_DATA
                }
            let status = getrlimit(number, &limit)
        #endif
        guard status == 0, limit.rlim_cur < rlim_t(Int64.max) else { return nil }
        return Int(limit.rlim_cur)
    }
}
