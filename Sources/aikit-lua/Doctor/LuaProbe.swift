internal import ArgumentParser
internal import LuaWorkflows
internal import Platform
internal import WorkflowEngine

/// A bug of some Lua releases with which an ordinary script can crash the process.
enum LuaProbe: String, CaseIterable, ExpressibleByArgument {
    /// A metamethod that concatenates again, without end.
    case concat
    /// Closing coroutines that close others, thousands deep.
    case close
    /// Weak tables while there is no memory left.
    case weak

    private var name: String {
        switch self {
        case .concat: "recursing __concat"
        case .close: "chained coroutine.close"
        case .weak: "weak tables without memory"
        }
    }

    private var script: String {
        switch self {
        case .concat:
            """
            local t = setmetatable({}, { __concat = function(a, b) return a .. b end })
            pcall(function() return t .. t end)
            """
        case .close:
            """
            local last
            for _ = 1, 20000 do
              local next = last
              last = coroutine.create(function()
                local guard <close> = setmetatable({}, { __close = function() if next then coroutine.close(next) end end })
                coroutine.yield(guard)
              end)
              coroutine.resume(last)
            end
            pcall(coroutine.close, last)
            """
        case .weak:
            """
            local kept = {}
            for i = 1, 1e7 do
              local weak = setmetatable({}, setmetatable({ __mode = "kv" }, { __mode = "k" }))
              weak[{}], weak[i] = i, {}
              kept[i] = weak
            end
            """
        }
    }

    /// Does what crashes a library that has the bug. Called in a child process.
    func provoke() throws {
        let path = "/tmp/aikit-lua-probe-\(getpid()).lua"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ExitStatus.failed.code }
        let text = Array(script.utf8)
        _ = write(descriptor, text, text.count)
        defer { unlink(path) }
        let options = LuaScriptOptions(memoryLimit: 16 << 20, print: { _ in })
        waitFor { _ = try? await LuaScript.load(path: path, on: WorkflowEngine(workers: 1), options: options) }
    }

    /// Tries the bug out in a child process, which may die of it.
    func finding() -> Finding {
        switch ChildProcess.run([CommandLine.arguments[0], "doctor", "--probe", rawValue]) {
        case .exited: return Finding(name: name, text: "handled")
        case .killed(let signal):
            return Finding(
                name: name, text: "crashes the process (\(String(cString: strsignal(signal))))", state: .doubtful,
                advice:
                    "A known bug of this Lua; link a newer Lua 5.4 to be rid of it (AIKIT_LUA_PKGCONFIG when building)."
            )
        case .unknown(let number):
            return Finding(name: name, text: "not tried: \(systemMessage(number))", state: .doubtful)
        }
    }
}

/// Running the program itself once more.
enum ChildProcess {
    enum Outcome: Equatable {
        case exited(Int32)
        case killed(by: Int32)
        /// It could not be started; the system's error number.
        case unknown(Int32)
    }

    /// Runs a program to its end, without input and without output.
    static func run(_ words: [String]) -> Outcome {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child = pid_t()
        let status = posix_spawnp(&child, words[0], &actions, nil, &arguments, environ)
        guard status == 0 else { return .unknown(status) }
        var result: Int32 = 0
        while waitpid(child, &result, 0) < 0 {
            if errno != EINTR { return .unknown(errno) }
        }
        let signal = result & 0x7F
        return signal == 0 ? .exited(result >> 8 & 0xFF) : .killed(by: signal)
    }
}
