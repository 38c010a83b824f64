internal import ArgumentParser

/// What is shown of what scripts log: the same for every command that runs steps.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How entries of context:log are shown on standard error; with json no progress is drawn.",
            valueName: "text|json"))
    var logFormat: LogFormat?

    @Option(
        help: ArgumentHelp(
            "Show entries from this level on; info unless given. A run keeps all of them.",
            valueName: "debug|info|warn|error"))
    var logLevel: LogThreshold?

    /// The options in plain form.
    var settings: LogSettings {
        LogSettings(format: logFormat ?? .text, threshold: logLevel ?? .info)
    }

    var isGiven: Bool { logFormat != nil || logLevel != nil }
}
