internal import FlatValue
internal import Synchronization
package import WorkflowCore

/// Follows the journals of runs from outside the workers, entry by entry, those included that watchers do not see.
///
/// Workers only copy bytes into a bounded queue. What does not fit is read in the store; where there is none the run is given
/// up and counted. One task calls ``run(_:)``.
package final class JournalFollower: Sendable {
    /// What happens to a run that is followed.
    package enum Notice {
        /// The log as far as it goes now. Entries before `past` were made before the run was followed. The log lives as long as
        /// the call.
        case grown(run: String, plan: Plan, log: RunLog, past: Int)
        /// The run is over, or rests; if it goes on, its log comes anew, from the first entry on.
        case left(run: String)
    }

    private let store: (any RunStore)?
    private let queue: SubscriptionQueue
    private let lost = Atomic<Int>(0)

    /// - Parameter buffer: how many bytes may wait.
    package init(store: (any RunStore)? = nil, buffer: Int = 8 << 20) {
        self.store = store
        queue = SubscriptionQueue(limit: buffer)
    }

    /// How many pieces of runs could not be followed.
    package var lostCount: Int { lost.load(ordering: .relaxed) }

    /// Follows all runs of an engine that keeps its runs in the store, from now on.
    package func follow(_ hub: EventHub) { hub.add(queue, EventFilter()) }

    /// Follows one run, whose first `past` entries were made before; nil for those before it was last taken up.
    package func follow(_ run: WorkflowRun, past: Int?) { run.follow(ChunkFeed(queue, past: past)) }

    /// Nothing comes any more; ``run(_:)`` ends when it has told all that lies ready.
    package func finish() { queue.finish(.closed) }

    /// Tells of everything until ``finish()``; a cancel of the task gives up what lies ready.
    package func run(_ body: (Notice) -> Void) async {
        var copies: [String: (copy: LogCopy, past: Int)] = [:]
        while true {
            let (messages, end) = await queue.take()
            for message in messages {
                if Task.isCancelled {
                    lost.add(1, ordering: .relaxed)
                    continue
                }
                switch message {
                case .chunk(let chunk):
                    let known =
                        copies[chunk.run] ?? (LogCopy(run: chunk.run, plan: chunk.plan), chunk.past ?? chunk.first)
                    copies[chunk.run] = known
                    if let new = known.copy.take(chunk) {
                        if !new.isEmpty { tell(known, body) }
                    } else if await catchUp(known.copy) {
                        tell(known, body)
                    }
                    if known.copy.isOver { leave(chunk.run, &copies, body) }
                case .behind(let run, let plan, let after):
                    guard let plan else { continue }
                    let known = copies[run] ?? (LogCopy(run: run, plan: plan), after ?? 0)
                    copies[run] = known
                    if await catchUp(known.copy) { tell(known, body) }
                    if known.copy.isOver { leave(run, &copies, body) }
                case .settled(let run): leave(run, &copies, body)
                case .transient, .nudge: break
                }
            }
            if end != nil { return }
        }
    }

    private func tell(_ known: (copy: LogCopy, past: Int), _ body: (Notice) -> Void) {
        body(.grown(run: known.copy.run, plan: known.copy.plan, log: known.copy.log, past: known.past))
    }

    private func leave(
        _ run: String, _ copies: inout [String: (copy: LogCopy, past: Int)], _ body: (Notice) -> Void
    ) {
        if copies.removeValue(forKey: run) != nil { body(.left(run: run)) }
    }

    /// Reads in the store what the copy lacks; whether that was possible.
    private func catchUp(_ copy: LogCopy) async -> Bool {
        let count = copy.log.count
        if let store, let stored = try? await store.load(copy.run, after: count) {
            let follows = stored.after == count
            let chunk = RunChunk(stored, plan: copy.plan, arenaStart: follows ? copy.log.arena.count : 0)
            if copy.take(chunk) != nil { return true }
            if let whole = try? await store.load(copy.run),
                copy.take(RunChunk(whole, plan: copy.plan, arenaStart: 0)) != nil
            {
                return true
            }
        }
        lost.add(1, ordering: .relaxed)
        return false
    }
}

/// Copies what is new in a run's log into a queue.
private final class ChunkFeed: EventFeed {
    private let queue: SubscriptionQueue
    private let past: Int?
    /// Only the worker's thread touches these.
    nonisolated(unsafe) private var taken = 0
    nonisolated(unsafe) private var arenaTaken = 0
    /// How many entries the log has before the process took the run up.
    nonisolated(unsafe) private var takenUp = 0

    init(_ queue: SubscriptionQueue, past: Int?) {
        self.queue = queue
        self.past = past
    }

    func take(_ run: Run) {
        guard run.log.count > taken else { return }
        if past == nil { lookForResumption(in: run.log) }
        var chunk = RunChunk(run, first: taken, arenaStart: arenaTaken, arenaEnd: run.log.arena.count)
        chunk.past = past ?? takenUp
        (taken, arenaTaken) = (run.log.count, run.log.arena.count)
        queue.post(.chunk(chunk))
    }

    func finish() {}

    private func lookForResumption(in log: RunLog) {
        for index in taken..<log.count
        where log[index].kind == .workflowResumed && log[index].item != ResumeCause.answered.rawValue {
            takenUp = index
        }
    }
}
