internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// When a run goes on that waits for a time.
struct Rest: Sendable {
    /// In microseconds since 1970; 0 for a run that waits in the queue.
    var until: Int64
    /// How far away that is, in microseconds. It is not reckoned from the time of the day where that may have been set since.
    var left: Int64
    /// Whether the run waits for somebody alone, and the time is the end of their patience.
    var waitsOutside = false

    /// Of a time that is only known as one of the day.
    init(until time: Int64) { self.init(until: time, left: time == 0 ? 0 : time - SystemClock().now()) }

    init(until time: Int64, left: Int64, waitsOutside: Bool = false) {
        (self.until, self.left, self.waitsOutside) = (time, left, waitsOutside)
    }
}

/// Tells when nothing happens by itself to a run before a time: it waits for that time, and nothing of it is under way.
///
/// It belongs to the worker's thread.
final class RestFeed: EventFeed, @unchecked Sendable {
    private let told: @Sendable (Rest) -> Void
    private let clock = SystemClock()
    /// The ends of the waits that were there when the run last went on, as ``SystemClock/elapsed()``.
    private var ends: [Wait: Int64] = [:]
    /// When the waits of frames began, in microseconds since 1970, by the events of the log up to `taken`.
    private var begins: [Int32: Int64] = [:]
    private var taken = 0

    private struct Wait: Hashable {
        let frame: Int
        let serial: UInt32
    }

    /// - Parameter told: called on the worker's thread.
    init(_ told: @escaping @Sendable (Rest) -> Void) { self.told = told }

    func take(_ run: Run) { take(run.log, run.machine) }

    func take(_ log: RunLog, _ machine: borrowing RunMachine) {
        followWaits(log, machine)
        guard !machine.isOver else { return }
        if machine.isQueued { return told(Rest(until: 0, left: 0)) }
        let status = machine.status
        guard status == .waiting || status == .waitingHuman else { return }
        let wake = machine.earliestDeadline
        guard wake > 0 else { return }
        let left = min(wake - clock.now(), ends.values.min().map { $0 - clock.elapsed() } ?? .max)
        told(Rest(until: wake, left: left, waitsOutside: machine.waitsOutside))
    }

    private func followWaits(_ log: RunLog, _ machine: borrowing RunMachine) {
        while taken < log.count {
            let event = log[taken]
            taken += 1
            switch event.kind {
            case .stepWaiting, .humanRequested: begins[event.frame] = event.time
            default: continue
            }
        }
        let (now, elapsed) = (clock.now(), clock.elapsed())
        var ends: [Wait: Int64] = [:]
        for index in machine.frames.indices {
            let frame = machine.frames[index]
            guard frame.deadline > 0, frame.phase == .waiting else { continue }
            let wait = Wait(frame: index, serial: frame.serial)
            // No wait is longer than it was when it began, whatever has become of the time of the day.
            let begin = max(begins[Int32(index)] ?? now, now)
            let (end, overflows) = (frame.deadline - begin).addingReportingOverflow(elapsed)
            ends[wait] = self.ends[wait] ?? (overflows ? .max : end)
        }
        self.ends = ends
    }

    func finish() {}
}
