internal import WorkflowEngine

/// What scripts of one engine share.
struct ScriptEnvironment: Sendable {
    let clock: any EngineClock
    let options: LuaScriptOptions

    var print: @Sendable (String) -> Void { options.print }
    var log: @Sendable (LogRecord) -> Void { options.log }
}
