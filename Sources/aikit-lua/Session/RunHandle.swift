internal import LuaWorkflows
internal import WorkflowCore

/// What the displays need to know of the run that they show.
struct RunHandle: Sendable {
    var id: String
    var plan: Plan
    /// What a display adds to the workflow's name; nil for nothing.
    var note: String?
    /// The permissions, as options, that this process gives the run besides those of its journal.
    var permissions = ""
    /// The code that a run of the store began with, which its errors are about; nil for what the script has now.
    var code: ScriptBundle?
}
