internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// Why a process leaves a run that is not over.
enum LetGoReason {
    /// Ctrl-C, or another request to end.
    case stopped(Int32)
    case timedOut
    /// The run waits for a time that is further away than the process stays.
    case rests
    /// The run waits in the queue, and the process does not stay for anything.
    case queued
    /// Nothing says what the run may do, and it needs permissions.
    case unpermitted
    /// The run waits for these, and they for somebody.
    case awaits([StandingRun])

    var status: ExitStatus {
        switch self {
        case .stopped(let signal): Interrupts.status(of: signal)
        case .timedOut, .rests, .queued, .unpermitted, .awaits: .waiting
        }
    }

    var text: String {
        switch self {
        case .stopped(SIGTERM): "stopped by SIGTERM"
        case .stopped(SIGHUP): "the terminal was closed"
        case .stopped: "interrupted"
        case .timedOut: "the time of --timeout was over"
        case .rests, .queued: "let go"
        case .unpermitted: UnrecordedGrants.reason
        case .awaits: "it waits for other runs"
        }
    }
}

/// The last words about a run that goes on without this process: when, and by which command.
struct LetGoNotice {
    let reason: LetGoReason
    let handle: RunHandle
    /// Whether this process drove the run until now.
    let isOwn: Bool
    /// When the run goes on by itself, in microseconds since 1970; nil if it could go on at once.
    let wakeAt: Int64?
    let store: StoreLocation
    /// Why the run's last state may not be in the store; nil where it is.
    let doubt: String?
    let style: Style

    var text: String { lines.map { $0 + "\n" }.joined() }

    private var lines: [String] {
        let mark = style("◷", .yellow) + " \(handle.plan.id)"
        let when = wakeAt.map { " until " + TimeText.text(microseconds: $0) }
        guard isOwn else {
            let what = when.map { "waits" + $0 } ?? "goes on"
            return ["\(mark) \(what) in another process" + (isRest ? "" : "; \(reason.text) here")]
        }
        if case .queued = reason {
            return ["\(mark) waits in the queue; 'aikit-lua serve' begins run \(handle.id) when its turn comes"]
        }
        let command = "aikit-lua runs recover \(shellQuoted(handle.id))\(store.arguments)\(handle.permissions)"
        let added: String = if case .unpermitted = reason { " --allow-…" } else { "" }
        let cancel = "aikit-lua runs cancel \(shellQuoted(handle.id))\(store.arguments)"
        let what = when.map { "waits\($0)" } ?? "is not over"
        let state = doubt.map { "its last state may not be in the store: \($0)" } ?? "nothing is lost"
        return [
            "\(mark) \(what)" + (isRest ? "; no process is needed before that" : "; \(reason.text), and \(state)"),
            "  \(when == nil ? "It goes on" : "From then on it goes on") with:", "  " + command + added,
            "  or is cancelled with: " + cancel,
        ]
    }

    private var isRest: Bool { if case .rests = reason { true } else { false } }
}
