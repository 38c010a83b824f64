internal import CHostSystem
internal import FlatValue
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// Makes the process fit to run in, whatever it was started with; called once, before anything else is opened or started.
enum ProcessStart {
    /// Descriptors that a command may need at once: the store with its files, wake-up pipes, the event loops of HTTP.
    private static let neededDescriptors = 24
    private static let neededThreads = 8
    /// Threads and processes that a service may need at once: event loops, workers, and their processes for Lua.
    private static let neededForService = 40
    /// Bytes of address space: the stacks of the threads and the first memory of Lua.
    private static let neededMemory = 320 << 20
    /// Bytes of data: stacks of threads that run Lua, and the first memory of Lua and of the store.
    private static let neededData = 64 << 20
    /// Bytes of the stacks of all other threads where data or address space is limited.
    private static let stackSize = 1 << 20
    /// Limits from here on are not probed.
    private static let roomyDescriptors = 1024
    private static let roomyThreads = 4096

    /// Opens the standard descriptors that are closed, lets the process have as many as it may, and has failing writes seen as errors.
    static func prepare() {
        openStandardDescriptors()
        raiseDescriptorLimit()
        heedSignals()
        if MemoryAllowance.data != nil || MemoryAllowance.addressSpace != nil { hs_limit_stacks(stackSize) }
        if MemoryAllowance.addressSpace != nil { hs_limit_arenas(2) }
        // A reader that goes away and a file that may not grow are seen by the write that fails, not by a signal that kills.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // SQLite shares its index of the log between processes through a file that is mapped into memory.
        signal(SIGBUS) { _ in
            let message: StaticString =
                "\nerror: a file of the store was cut off while it was in use; runs go on from what their store has\n"
            _ = write(2, message.utf8Start, message.utf8CodeUnitCount)
            _exit(2)
        }
    }

    /// Lets the signals that ask for the end through, which whoever started the process may have had blocked.
    private static func heedSignals() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Files that are opened later must not get the numbers of the standard streams, to which results are written. Whoever
    /// closes one wants none of it.
    private static func openStandardDescriptors() {
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
            // The lowest free number is taken, and those below are open by now.
            _ = open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
        }
    }

    /// What the process lacks to do its work at all, or nil.
    static var shortage: String? { descriptorShortage ?? threadShortage ?? memoryShortage ?? dataShortage() }

    private static var descriptorShortage: String? {
        guard let limit = ProcessLimit.descriptors.current, limit < roomyDescriptors else { return nil }
        var open: [Int32] = []
        defer { for descriptor in open { close(descriptor) } }
        for _ in 0..<neededDescriptors {
            let descriptor = dup(2)
            if descriptor < 0 {
                return "too few files may be open at once: the limit is \(limit), and \(open.count) are free of the "
                    + "\(neededDescriptors) that are needed (ulimit -n)"
            }
            open.append(descriptor)
        }
        return nil
    }

    private static var threadShortage: String? {
        guard let limit = ProcessLimit.processes.current, limit < roomyThreads else { return nil }
        return startThreads(neededThreads) < neededThreads
            ? "the system refuses to start threads: the user may have \(limit) processes and threads at once (ulimit -u)"
            : nil
    }

    /// What the process lacks to serve others, or nil: libraries end it where a thread is refused later.
    static var serviceShortage: String? {
        if let shortage = dataShortage(isService: true) { return shortage }
        let count = startThreads(neededForService)
        return count < neededForService
            ? "the system refuses to start threads: \(count) of the \(neededForService) that a service may need "
                + "(ulimit -u, TasksMax of systemd, pids.max of a container)"
            : nil
    }

    /// Address space is limited in containers and by `ulimit -v`; what cannot be reserved now cannot be had later.
    private static var memoryShortage: String? {
        guard let limit = MemoryAllowance.addressSpace, !MemoryAllowance.isFree(neededMemory) else { return nil }
        return
            "too little memory may be used: the limit is \(limit >> 20) MiB, and \(neededMemory >> 20) MiB more are "
            + "needed (ulimit -v)"
    }

    /// Stacks of threads count as data. The libraries wait for ever for a thread that is refused, so nothing may be wanting later.
    private static func dataShortage(isService: Bool = false) -> String? {
        guard let limit = MemoryAllowance.data else { return nil }
        let processors = max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1)
        var needed = neededData + processors * stackSize + MemoryAllowance.reserve
        if isService { needed += neededForService * stackSize + processors * WorkerThread.stackSize }
        if MemoryAllowance.isFree(needed) { return nil }
        return
            "too little memory may be used for data: the limit is \(limit >> 20) MiB, and \(needed >> 20) MiB more are "
            + "needed (ulimit -d, LimitDATA of systemd)"
    }

    /// No more descriptors than these are asked for: programs that the process starts may go through all that they could have.
    private static let mostDescriptors: rlim_t = 1 << 17

    /// Lets the process have as many files and connections open as it may, up to ``mostDescriptors``.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        #if canImport(Glibc)
            guard getrlimit(.init(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        #else
            guard getrlimit(RLIMIT_NOFILE, &limit) == 0 else { return }
        #endif
        let most = min(limit.rlim_max, mostDescriptors)
        guard limit.rlim_cur < most else { return }
        limit.rlim_cur = most
        // Where it may not be raised, fewer clients are served.
        #if canImport(Glibc)
            _ = setrlimit(.init(RLIMIT_NOFILE.rawValue), &limit)
        #else
            _ = setrlimit(RLIMIT_NOFILE, &limit)
        #endif
    }

    /// Has so many threads at once for a moment; how many there were.
    private static func startThreads(_ count: Int) -> Int {
        return withUnsafeTemporaryAllocation(of: pthread_mutex_t.self, capacity: 1) { memory in
            guard let gate = memory.baseAddress else { return 0 }
            pthread_mutex_init(gate, nil)
            pthread_mutex_lock(gate)
            let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
            defer { attributes.deallocate() }
            pthread_attr_init(attributes)
            pthread_attr_setstacksize(attributes, 64 << 10)
            var threads: [pthread_t] = []
            for _ in 0..<count {
                #if canImport(Darwin)
                    var thread: pthread_t?
                #else
                    var thread = pthread_t()
                #endif
                let status = pthread_create(
                    &thread, attributes,
                    { gate in
                        #if canImport(Darwin)
                            let gate = Optional(gate)
                        #endif
                        guard let gate = gate?.assumingMemoryBound(to: pthread_mutex_t.self) else { return nil }
                        pthread_mutex_lock(gate)
                        pthread_mutex_unlock(gate)
                        return nil
                    }, gate)
                guard status == 0 else { break }
                #if canImport(Darwin)
                    if let thread { threads.append(thread) }
                #else
                    threads.append(thread)
                #endif
            }
            pthread_mutex_unlock(gate)
            for thread in threads { pthread_join(thread, nil) }
            pthread_attr_destroy(attributes)
            pthread_mutex_destroy(gate)
            return threads.count
        }
    }
}
