internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

extension DevMessage: LineMessage {
    static func line(_ text: String) -> DevMessage { .text(text) }
}

/// What the main thread of a dev session hears of.
enum DevMessage: Sendable {
    /// The files have been looked at.
    case refreshed(ScriptRefresh)
    /// The input of the last run that failed, and that run's id.
    case input(Value, run: String)
    /// Something of a run, by its number in the session.
    case run(Int, Message)
    case log(LogRecord)
    /// What a script printed.
    case text(String)
    /// Something that the person should know of.
    case note(String)
    /// The store refused something.
    case failed(any Error)
    /// Ctrl-C, or another request to end.
    case interrupted(signal: Int32)
}
