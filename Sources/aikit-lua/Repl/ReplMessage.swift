internal import WorkflowEngine

extension ReplMessage: LineMessage {
    static func line(_ text: String) -> ReplMessage { .text(text) }
}

/// What the main thread of a REPL hears of.
enum ReplMessage: Sendable {
    /// What was typed has been evaluated.
    case evaluated(Evaluation)
    /// Something of the run of a command.
    case run(Message)
    case log(LogRecord)
    case text(String)
    case interrupted(signal: Int32)
}
