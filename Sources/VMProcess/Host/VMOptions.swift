package import LuaWorkflows
package import WorkflowEngine

/// How Lua is kept apart from the process that holds the store and the effects.
package struct VMOptions: Sendable {
    /// Who shares a process.
    package enum Sharing: Sendable {
        /// All runs of a worker.
        case everyone
        /// The runs of one version of a script on a worker.
        case script
        /// Nobody: each run has a process, which ends with it.
        case nobody
    }

    /// The program that is started with ``VMProgram/word``.
    package var program: String
    package var sharing = Sharing.everyone
    /// Refuses a process that the system does not lock in every way.
    package var isStrict = false
    /// Steps go on as soon as what they follow from has been sent: for stores that keep nothing beyond this process.
    package var isEager = false
    /// Gets what scripts print and log.
    package var script: LuaScriptOptions
    /// Carries out what scripts ask for.
    package var host: any HostGateway
    /// Gets lines for people about processes that died.
    package var told: @Sendable (String) -> Void = { _ in }
    /// Scripts may ask for faults by what they log; only test builds have them.
    package var hasFaults = false

    package init(program: String, script: LuaScriptOptions, host: any HostGateway) {
        self.program = program
        self.script = script
        self.host = host
    }
}
