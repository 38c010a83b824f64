internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Processes that say nothing any more, and runs with which they do not keep to what was agreed.
///
/// A process stops the code of its runs by itself. What is here holds where it does not: it hangs, the system has stopped it, or a
/// script has taken it over.
extension VMStation {
    /// How long a process that has something to do may say nothing, in looks.
    private static let silenceLimit = 10
    /// The same for one that is being started.
    private static let startLimit = 60
    /// How much later than the process itself a run is stopped, in looks.
    private static let grace = 2
    /// The same for a run of a process in which the code of another one runs, which may have every right to.
    private static let patience = 300

    /// Looks at each process; called about once a second, and later where the worker or the machine was held up: a second in which
    /// nothing here could run counts for nothing.
    func look() {
        for process in processes.values where !process.child.isEnding {
            guard process.isBusy else {
                process.silence = 0
                continue
            }
            let limit = process.isReady ? Self.silenceLimit : Self.startLimit
            if process.silence >= limit {
                process.child.kill(because: "it said nothing for \(limit) s", ignoring: false)
            } else if let late = late(in: process) {
                process.child.kill(because: late, ignoring: false)
            } else {
                process.silence += 1
                process.send(Frame(.ping, .emptyObject))
            }
        }
    }

    /// What a process should have ended by itself; nil where there is nothing.
    private func late(in process: HostedProcess) -> String? {
        let mark = process.child.mark
        for hosted in process.runs.values {
            let isOfAnother = mark != 0 && mark != hosted.run.mark
            hosted.look(isMarked: mark == hosted.run.mark)
            guard hosted.still > Self.grace, let due = hosted.due(handlerTime: worker.handlerTime) else { continue }
            if hosted.still - due > (isOfAnother ? Self.patience : Self.grace) {
                return "it did not stop run \(hosted.id) when it was to"
            }
        }
        return nil
    }
}

extension HostedProcess {
    /// It has something to do, or to get ready for.
    var isBusy: Bool { !isReady || !runs.isEmpty || !questions.isEmpty || isLoading }
}

extension HostedRun {
    /// Notes how the run stands.
    ///
    /// - Parameter isMarked: whether the process says that the run's code runs.
    func look(isMarked: Bool) {
        if run.log.count != lookedAt {
            lookedAt = run.log.count
            still = 0
            marked = 0
        } else {
            still += 1
            marked = isMarked ? marked + 1 : 0
        }
    }

    /// After how many looks without anything new the run's code is to have been stopped; nil where it may take any time.
    ///
    /// - Parameter handlerTime: CPU time of a step without a limit of its own, in nanoseconds; 0 for any.
    func due(handlerTime: UInt64) -> Int? {
        if messages.contains(where: { $0.message.content.kind == .cancel }) { return 0 }
        var due: Int?
        for frame in run.machine.frames.elements {
            let seconds: Int
            switch frame.phase {
            case .stopping: seconds = 0
            case .running:
                let node = run.plan.nodes[Int(frame.node)]
                if node.duration > 0, node.kind == .step {
                    seconds = Int(clamping: node.duration / 1_000_000) + 1
                } else if node.duration == 0, handlerTime > 0, marked >= still {
                    // The machine may have had less than a core for it.
                    seconds = Int(clamping: 2 * (handlerTime / 1_000_000_000)) + 10
                } else {
                    continue
                }
            default: continue
            }
            due = min(due ?? seconds, seconds)
        }
        return due
    }
}
