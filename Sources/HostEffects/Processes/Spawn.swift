internal import CHostSystem
internal import Platform

/// Starts programs: with the three standard streams and no other descriptor, with the usual signals, by `posix_spawn`.
enum Spawn {
    /// - Parameters:
    ///   - path: the program's file; nothing is searched.
    ///   - arguments: all of them, the program's name first.
    ///   - environment: `NAME=value` each; nil for that of this process.
    ///   - folder: a descriptor of the folder in which it works; -1 for that of this process.
    ///   - streams: the descriptors that become its standard input, output and error; -1 leaves this process's one.
    ///   - leadsGroup: whether it leads a process group of its own, whose number is its own.
    /// - Returns: its process id; the caller waits for it.
    static func start(
        _ path: String, _ arguments: [String], environment: [String]? = nil, folder: Int32 = -1,
        streams: (input: Int32, output: Int32, error: Int32), leadsGroup: Bool
    ) throws(SystemError) -> pid_t {
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = (environment ?? []).map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        let descriptors = [streams.input, streams.output, streams.error]
        var pid: pid_t = 0
        let status =
            environment == nil
            ? hs_spawn(path, &argv, nil, folder, descriptors, 3, leadsGroup ? 1 : 0, &pid)
            : hs_spawn(path, &argv, &envp, folder, descriptors, 3, leadsGroup ? 1 : 0, &pid)
        if status != 0 { throw SystemError(status) }
        return pid
    }

    /// Waits for a program that this process started; its exit status, or the number of the signal that ended it.
    static func wait(for pid: pid_t) -> (status: Int32, signal: Int32?) {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            if errno != EINTR { return (-1, nil) }
        }
        let signal = status & 0x7F
        return signal == 0 ? ((status >> 8) & 0xFF, nil) : (-1, signal)
    }

    /// Runs a command by `/bin/sh` without input, with this process's standard error, and waits for it. A signal that ends this
    /// process meanwhile ends the command as well.
    ///
    /// Without a terminal the command leads a process group, so that all that it started can be ended. At a terminal it stays in
    /// the group that may ask for a password there, and gets Ctrl-C like this process.
    ///
    /// - Returns: its exit status, and what it printed; nil where that is more than `limit` bytes.
    static func output(ofShell command: String, limit: Int) throws(SystemError) -> (status: Int32, output: [UInt8]?) {
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard nothing >= 0 else { throw SystemError(errno) }
        defer { close(nothing) }
        let (reading, writing) = try Descriptor.pipe()
        let terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY)
        if terminal >= 0 { close(terminal) }
        let leadsGroup = terminal < 0
        // A signal that comes before the guard knows the program waits for it.
        let guarding = SignalGuard()
        defer { guarding.end() }
        let pid: pid_t
        do throws(SystemError) {
            pid = try guarding.begin(leadsGroup: leadsGroup) { () throws(SystemError) in
                try start("/bin/sh", ["sh", "-c", command], streams: (nothing, writing, -1), leadsGroup: leadsGroup)
            }
        } catch {
            close(reading)
            close(writing)
            throw error
        }
        close(writing)
        let output = Descriptor.readAll(reading, limit: limit)
        close(reading)
        // The number may be another process's as soon as it has been waited for.
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        guarding.end()
        let (status, signal) = wait(for: pid)
        return (signal.map { 128 + $0 } ?? status, output)
    }
}
