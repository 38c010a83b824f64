import Foundation
import Platform
import Testing

extension CommandLine {
    @Suite("How a process ends whose tasks stand still")
    struct StandstillTests {
        /// Starts a program, has the system stop all of its threads but the one that waits for signals, as a debugger does, and sends the
        /// signal; ends with the program's status, or 99 where threads cannot be stopped, or 98 where it has not ended in time.
        private static let keeper = """
            import ctypes, os, subprocess, sys, time
            libc = ctypes.CDLL(None, use_errno=True)
            libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
            PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
            program = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            while b"sleeps" not in program.stderr.readline():
                pass
            folder = f"/proc/{program.pid}/task"
            def waits_for_signals(thread):
                for line in open(f"{folder}/{thread}/status"):
                    if line.startswith("SigBlk:"):
                        # A thread that waits for signals has those unblocked while it does.
                        return not int(line.split()[1], 16) >> (15 - 1) & 1
            stopped = set()
            while True:
                threads = [int(name) for name in os.listdir(folder)]
                fresh = [thread for thread in threads if thread not in stopped and not waits_for_signals(thread)]
                if not fresh:
                    break
                for thread in fresh:
                    if libc.ptrace(PTRACE_SEIZE, thread, None, None) or libc.ptrace(PTRACE_INTERRUPT, thread, None, None):
                        program.kill()
                        sys.exit(99)
                    os.waitpid(thread, 0x40000000)
                    stopped.add(thread)
            os.kill(program.pid, int(sys.argv[1]))
            end = time.monotonic() + 60
            while time.monotonic() < end:
                try:
                    number, status = os.waitpid(-1, os.WNOHANG | 0x40000000)
                except ChildProcessError:
                    break
                if number == program.pid and (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
                    sys.exit(os.waitstatus_to_exitcode(status))
                time.sleep(0.05)
            program.kill()
            sys.exit(98)
            """

        #if os(Linux)
            @Test(arguments: [SIGTERM, SIGINT]) func `the first signal ends it all the same`(_ signal: Int32) throws {
                let program = try Program([
                    "keeper.py": Self.keeper,
                    "nap.lua": """
                    return require("aikit").workflow { id = "nap" }
                      :step { id = "s", handler = function() print "sleeps" require("aikit").sleep("300s") end }:commit()
                    """,
                ])
                defer { program.remove() }
                let process = program.process([
                    "python3", "keeper.py", "\(signal)", program.binary, "run", "nap.lua", "--store", "memory",
                ])
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.standardInput = FileHandle.nullDevice
                try process.run()
                process.waitUntilExit()
                // Where nobody may trace, tasks cannot be stopped from outside.
                if process.terminationStatus == 99 { return }
                #expect(process.terminationStatus == 128 + signal)
            }
        #endif
    }
}
