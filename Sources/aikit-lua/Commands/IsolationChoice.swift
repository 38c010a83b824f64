internal import ArgumentParser

/// How Lua is kept apart, as `--isolate` says.
enum IsolationChoice: String, CaseIterable, ExpressibleByArgument {
    /// In a process that is shared, of each script, or of each run: for a command with one run all the same.
    case shared, script, run
    /// In a process that the system locks in every way, or not at all.
    case strict

    static let option = "--isolate"

    static let help = ArgumentHelp(
        "Run Lua in a process of its own that the system has locked: shared, script, run, or strict, which refuses a system that "
            + "cannot lock it in every way; shared unless named.",
        valueName: "how")
}

/// Whether Lua runs in a process of its own: the same for `run`, `resume` and `signal`.
struct IsolationOptions: ParsableArguments {
    @Option(name: .customLong("isolate"), help: IsolationChoice.help)
    var isolation: IsolationChoice?
}
