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
    /// How much later than the process itself the code of a run is stopped, in looks.
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
            let lateness = hosted.look(isMarked: mark == hosted.run.mark, handlerTime: worker.handlerTime)
            let isOfAnother = mark != 0 && mark != hosted.run.mark
            if lateness > (isOfAnother ? Self.patience : Self.grace) {
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
    /// Looks at the calls of the run's code that are under way.
    ///
    /// - Parameters:
    ///   - isMarked: whether the process says that code of the run runs.
    ///   - handlerTime: CPU time of a step without a limit of its own, in nanoseconds; 0 for any.
    /// - Returns: by how many looks one is late at the most; 0 or less where none is.
    func look(isMarked: Bool, handlerTime: UInt64) -> Int {
        stopLooks = messages.contains { $0.message.content.kind == .cancel } ? stopLooks + 1 : 0
        var (lateness, seen) = (stopLooks, [Int32: Attempt]())
        for (index, frame) in run.machine.frames.elements.enumerated() {
            guard frame.phase == .running || frame.phase == .stopping else { continue }
            let known = attempts[Int32(index)]
            let isKnown = known?.serial == frame.serial && known?.phase == frame.phase
            var attempt = isKnown ? known ?? Attempt(frame) : Attempt(frame)
            attempt.looks += 1
            attempt.marked = isMarked ? attempt.marked + 1 : 0
            seen[Int32(index)] = attempt
            let node = run.plan.nodes[Int(frame.node)]
            if frame.phase == .stopping {
                lateness = max(lateness, attempt.looks)
            } else if node.kind == .step, node.duration > 0 {
                lateness = max(lateness, attempt.looks - Int(clamping: node.duration / 1_000_000) - 1)
            } else if node.duration == 0, handlerTime > 0 {
                // Of CPU time: the machine may have had less than a core for it.
                lateness = max(lateness, attempt.marked - Int(clamping: handlerTime / 500_000_000) - 10)
            }
        }
        attempts = seen
        return lateness
    }
}

extension HostedRun.Attempt {
    init(_ frame: WorkflowCore.Frame) { self.init(phase: frame.phase, serial: frame.serial) }
}
