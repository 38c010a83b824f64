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
    /// How much CPU time a process may use, in nanoseconds, before it stops code whose time is over; on a machine that has other
    /// things to do that is long.
    private static let grace: UInt64 = 2_000_000_000
    /// The same in looks, for one that does nothing.
    private static let patience = 30
    /// The same for a run of a process in which the code of another one runs, which may have every right to.
    private static let patienceWithOthers = 300

    /// Looks at each process; called about once a second, and later where the worker or the machine was held up: a second in which
    /// nothing here could run counts for nothing.
    func look() {
        for process in processes.values where !process.child.isEnding {
            guard process.isBusy, !process.child.isHeldUp else {
                (process.silence, process.strayTime) = (0, 0)
                continue
            }
            let limit = process.isReady ? Self.silenceLimit : Self.startLimit
            if process.silence >= limit {
                process.child.kill(because: "it said nothing for \(limit) s", ignoring: false)
            } else if let late = late(in: process) {
                process.child.kill(because: late, ignoring: false)
            } else {
                process.silence += 1
                process.send(WireFrame(.ping, .emptyObject))
            }
        }
        // Runs that have begun to wait for others make room for these.
        moveLine()
    }

    /// What a process should have ended by itself; nil where there is nothing.
    private func late(in process: HostedProcess) -> String? {
        let (mark, time) = (process.child.mark, process.child.cpuTime ?? process.cpuTime)
        let used = time > process.cpuTime ? time - process.cpuTime : 0
        process.cpuTime = time
        if process.hasToAnswer, process.isReady {
            // Code of runs may come in between.
            if mark == 0 { process.strayTime &+= used }
            // Of a script's top level and of its functions: the process ends both by itself.
            let limit = worker.callbackTime
            if limit > 0, process.strayTime > limit &+ Self.grace { return "it did not end code that is of no run" }
        } else {
            process.strayTime = 0
        }
        for hosted in process.runs.values {
            let late = hosted.look(mark: mark, cpu: used, handlerTime: worker.handlerTime)
            if Self.isTooMuch(late) {
                hosted.spent = hosted.attempts.filter { $0.value.phase == .running && Self.isTooMuch($0.value.late) }
                    .map { (frame: $0.key, serial: $0.value.serial) }
                return "it did not stop run \(hosted.id) when it was to"
            }
        }
        return nil
    }

    private static func isTooMuch(_ late: HostedRun.Lateness) -> Bool {
        late.cpu > grace || late.ownLooks > patience || late.looks > patienceWithOthers
    }
}

extension HostedProcess {
    /// It is to run code that is of no run: a script's top level, or a function that somebody waits for.
    var hasToAnswer: Bool { !unloaded.isEmpty || !questions.isEmpty }
    /// It has something to do, or to get ready for.
    var isBusy: Bool { !isReady || !runs.isEmpty || !questions.isEmpty || isLoading }
}

extension HostedRun {
    /// Looks at the calls of the run's code that are under way.
    ///
    /// - Parameters:
    ///   - mark: ``Run/mark`` of the run whose code runs, as the process says; 0 for none.
    ///   - cpu: CPU time that the process has used since the last look, in nanoseconds.
    ///   - handlerTime: CPU time of a step without a limit of its own, in nanoseconds; 0 for any.
    /// - Returns: by how much one is late at the most.
    func look(mark: UInt64, cpu: UInt64, handlerTime: UInt64) -> Lateness {
        let isOfAnother = mark != 0 && mark != run.mark
        if messages.contains(where: { $0.message.content.kind == .cancel }) {
            stop = stop ?? Lateness()
            stop?.add(cpu, ofAnother: isOfAnother)
        } else {
            stop = nil
        }
        var (latest, seen) = (stop ?? Lateness(), [Int32: Attempt]())
        for (index, frame) in run.machine.frames.elements.enumerated() {
            guard frame.phase == .running || frame.phase == .stopping else { continue }
            let known = attempts[Int32(index)].flatMap {
                $0.serial == frame.serial && $0.phase == frame.phase ? $0 : nil
            }
            var attempt = known ?? Attempt(phase: frame.phase, serial: frame.serial)
            attempt.looks += 1
            attempt.marked = mark == run.mark ? attempt.marked + 1 : 0
            if attempt.isLate(run.plan.nodes[Int(frame.node)], handlerTime) {
                attempt.late.add(cpu, ofAnother: isOfAnother)
                latest.take(attempt.late)
            }
            seen[Int32(index)] = attempt
        }
        attempts = seen
        return latest
    }
}

extension HostedRun.Attempt {
    /// Whether the process should have ended it.
    fileprivate func isLate(_ node: PlanNode, _ handlerTime: UInt64) -> Bool {
        if phase == .stopping { return true }
        if node.kind == .step, node.duration > 0 { return looks > Int(clamping: node.duration / 1_000_000) + 1 }
        // Of CPU time: the machine may have had less than a core for it.
        return node.duration == 0 && handlerTime > 0 && marked > Int(clamping: handlerTime / 500_000_000) + 10
    }
}
