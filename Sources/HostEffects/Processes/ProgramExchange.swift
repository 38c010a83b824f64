internal import CHostSystem
internal import FlatValue
internal import Platform
internal import WorkflowCore

/// A program that has been started, and this process's ends of its pipes.
struct StartedProgram {
    let pid: pid_t
    /// -1 where there is no input.
    let input: Int32
    let output: Int32
    let errors: Int32

    /// - Parameter hasInput: whether there is an input although the call has none to give.
    init(_ call: ExecCall, hasInput: Bool = false) throws(SystemError) {
        var open: [Int32] = []
        var isStarted = false
        defer { if !isStarted { for descriptor in open { close(descriptor) } } }
        func pipe() throws(SystemError) -> (reading: Int32, writing: Int32) {
            let ends = try Descriptor.pipe()
            open += [ends.reading, ends.writing]
            return ends
        }
        let (out, err) = (try pipe(), try pipe())
        var theirInput: Int32
        if call.input.isEmpty, !hasInput {
            theirInput = openPath("/dev/null", O_RDONLY | O_CLOEXEC)
            guard theirInput >= 0 else { throw SystemError(errno) }
            open.append(theirInput)
            input = -1
        } else {
            let ends = try pipe()
            (theirInput, input) = (ends.reading, ends.writing)
        }
        var folder: Int32 = -1
        if let path = call.folder {
            folder = openPath(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard folder >= 0 else { throw SystemError(errno) }
        }
        defer { if folder >= 0 { close(folder) } }
        pid = try Spawn.start(
            call.path, call.arguments, environment: call.environment, folder: folder,
            streams: (theirInput, out.writing, err.writing), leadsGroup: true)
        isStarted = true
        for descriptor in [theirInput, out.writing, err.writing] { close(descriptor) }
        (output, errors) = (out.reading, err.reading)
        for descriptor in [input, output, errors] where descriptor >= 0 {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
    }
}

extension StartedProgram {
    /// How many are open at most while a program starts.
    private static let descriptors = 9

    /// Starts a program, with an input to write to if the call has one or `hasInput` says so.
    ///
    /// - Throws: `program_not_found` or `exec_failed`.
    static func start(_ call: ExecCall, hasInput: Bool = false) throws(HostFailure) -> StartedProgram {
        guard let claim = DescriptorRoom.Claim(descriptors) else { throw HostFailure.noDescriptors("another program") }
        defer { claim.lasts() }
        do throws(SystemError) {
            let program = try StartedProgram(call, hasInput: hasInput)
            ProgramGroups.add(program.pid)
            return program
        } catch {
            let code = error.number == ENOENT || error.number == EACCES ? "program_not_found" : "exec_failed"
            throw HostFailure(
                code, "'\(call.arguments.first ?? "")' cannot be started: \(error.message)",
                retryable: error.number == EAGAIN || error.number == ENOMEM)
        }
    }

    /// Kills the program with its group and waits for its end. The pipes stay open.
    func end() {
        ProgramGroups.end(pid)
        _ = Spawn.wait(for: pid)
    }

    /// Takes what is there; at the end, and on an error, the descriptor is closed and becomes -1.
    static func take(_ descriptor: inout Int32, _ bytes: inout [UInt8]) {
        guard descriptor >= 0 else { return }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count > 0 {
            bytes += chunk[..<count]
        } else if count == 0 || errno != EAGAIN && errno != EINTR {
            closeDescriptor(descriptor)
            descriptor = -1
        }
    }
}

private func openPath(_ path: String, _ flags: Int32) -> Int32 { open(path, flags) }

/// What goes in and out of a program until it ends, on one thread.
struct ProgramExchange: ~Copyable {
    enum End {
        case ended
        case timedOut
        case tooLarge
        case cancelled
        case failed(HostFailure)
    }

    /// How often what it prints is held: in a buffer that grows, and in the value that is made of it.
    private static let copies = 3

    private let program: StartedProgram
    private let call: ExecCall
    private let wake: Int32
    private let deadline: UInt64
    /// Readable once the program has ended; -1 where the system has none.
    private let exit: Int32
    private var input: Int32
    private var written = 0
    private var output: [UInt8] = []
    private var errors: [UInt8] = []
    private var openOutput: Int32
    private var openErrors: Int32
    /// What the output takes, and how many bytes of it are counted.
    private var share = EffectMemory.Share()
    private var counted = 0

    /// - Parameter wake: readable when the program is not wanted any more.
    init(_ program: StartedProgram, _ call: ExecCall, wake: Int32) {
        self.program = program
        self.call = call
        self.wake = wake
        input = program.input
        openOutput = program.output
        openErrors = program.errors
        exit = hs_watch_process(program.pid)
        let timeout = UInt64(call.timeout).multipliedReportingOverflow(by: 1000)
        deadline =
            timeout.overflow ? .max : monotonicNanoseconds().addingReportingOverflow(timeout.partialValue).partialValue
    }

    /// Works until the program has ended, or has to.
    mutating func run() -> End {
        while true {
            let now = monotonicNanoseconds()
            if now >= deadline { return .timedOut }
            if hs_has_ended(program.pid) != 0 { return .ended }
            // Without a descriptor for the end it is looked for often.
            let rest = min((deadline - now) / 1_000_000 + 1, exit >= 0 ? 60_000 : 10)
            var polls = [
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
                pollfd(fd: exit, events: Int16(POLLIN), revents: 0),
                pollfd(fd: openOutput, events: Int16(POLLIN), revents: 0),
                pollfd(fd: openErrors, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input, events: Int16(POLLOUT), revents: 0),
            ]
            guard poll(&polls, nfds_t(polls.count), Int32(clamping: rest)) > 0 else { continue }
            if polls[0].revents != 0 { return .cancelled }
            if polls[2].revents != 0 { StartedProgram.take(&openOutput, &output) }
            if polls[3].revents != 0 { StartedProgram.take(&openErrors, &errors) }
            if output.count > call.outputLimit || errors.count > call.outputLimit { return .tooLarge }
            do throws(HostFailure) {
                try share.take(output.count + errors.count - counted, copies: Self.copies)
                counted = output.count + errors.count
            } catch {
                return .failed(error)
            }
            if polls[4].revents != 0 { feed() }
        }
    }

    /// Takes what the pipes still hold, without a wait: a process that left the group may keep them open.
    mutating func drain() {
        var before = -1
        while before != output.count + errors.count, max(output.count, errors.count) <= call.outputLimit {
            before = output.count + errors.count
            StartedProgram.take(&openOutput, &output)
            StartedProgram.take(&openErrors, &errors)
        }
        if output.count > call.outputLimit { output.removeLast(output.count - call.outputLimit) }
        if errors.count > call.outputLimit { errors.removeLast(errors.count - call.outputLimit) }
    }

    func close() {
        for descriptor in [input, openOutput, openErrors, exit] where descriptor >= 0 { closeDescriptor(descriptor) }
    }

    private mutating func feed() {
        let count = call.input.withUnsafeBytes { bytes in
            bytes.baseAddress.map { write(input, $0 + written, bytes.count - written) } ?? 0
        }
        if count > 0 { written += count }
        if written == call.input.count || count < 0 && errno != EAGAIN && errno != EINTR {
            closeDescriptor(input)
            input = -1
        }
    }

    /// `{ status?, signal?, stdout, stderr }`: the exit status, or the name of the signal that ended it.
    func value(status: Int32, signal: Int32?) -> Value {
        func text(_ bytes: [UInt8]) -> Value { Value { arena in bytes.withUnsafeBytes { arena.writeString($0) } } }
        let end: (String, Value) =
            signal.map { ("signal", Value(Self.name(of: $0))) } ?? ("status", Value(Int64(status)))
        return Value(entries: [end, ("stdout", text(output)), ("stderr", text(errors))])
    }

    /// The ends of what was printed, for messages.
    var tails: Value {
        func tail(_ bytes: [UInt8]) -> Value { Value(String(decoding: bytes.suffix(2000), as: UTF8.self)) }
        return ["stdout": tail(output), "stderr": tail(errors)]
    }

    private static func name(of signal: Int32) -> String {
        let names: [Int32: String] = [
            SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGABRT: "SIGABRT",
            SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM",
            SIGTERM: "SIGTERM", SIGBUS: "SIGBUS", SIGTRAP: "SIGTRAP", SIGUSR1: "SIGUSR1", SIGUSR2: "SIGUSR2",
            SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGSYS: "SIGSYS",
        ]
        return names[signal] ?? "signal \(signal)"
    }
}

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
