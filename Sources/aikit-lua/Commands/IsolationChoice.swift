internal import ArgumentParser

/// How Lua is kept apart, as `--isolate` says.
enum IsolationChoice: String, CaseIterable, ExpressibleByArgument {
    /// In processes that runs share, one for each thread; in one for each script; in one for each run.
    case shared, script, run
    /// In a process that the system locks in every way, or not at all.
    case strict
    /// In the process that drives the runs.
    case inProcess = "none"

    static let option = "--isolate"

    static let help = ArgumentHelp(
        "Run Lua in processes that the system has locked: shared by all runs, one for each script, one for each run, or strict: "
            + "shared, and refused where the system cannot lock them in every way; shared unless named; none is in this process, "
            + "as all commands but serve do unless asked.",
        valueName: "how")
}

/// Whether Lua runs in processes of its own: the same for all commands that drive runs.
struct IsolationOptions: ParsableArguments {
    @Option(name: .customLong("isolate"), help: IsolationChoice.help)
    var choice: IsolationChoice?

    var isolation: IsolationChoice { choice ?? .inProcess }
}
