internal import WorkflowCore
internal import WorkflowEngine

extension QueuePlace {
    /// The time that the run waits for, to stand behind its reason; empty for none.
    var untilText: String {
        switch reason {
        case .time(let time), .rate(_, _, _, let time): ", until " + TimeText.text(microseconds: time)
        case .concurrency, .singleton, .replaced, .turn: ""
        }
    }
}
