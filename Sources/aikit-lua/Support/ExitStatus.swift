internal import ArgumentParser

/// What the program's exit status says.
enum ExitStatus: Int32 {
    case success = 0
    /// The run failed.
    case failed = 1
    /// The call, the script or the definition is wrong; nothing has run.
    case usage = 2
    /// The run is not over: it waits for a person, an event or a time, or was let go.
    case waiting = 3
    /// The end of the terminal.
    case hungUp = 129
    /// Ctrl-C.
    case cancelled = 130
    /// A request of the system to end, such as that of `kill`.
    case terminated = 143

    /// What a command throws to end with this status when all has been said.
    var code: ExitCode { ExitCode(rawValue) }
}

/// A message for standard error, with the exit status of wrong usage.
struct UsageError: Error {
    var problem: Problem

    init(_ message: String) { problem = Problem(message) }

    init(_ problem: Problem) { self.problem = problem }
}
