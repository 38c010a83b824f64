internal import FlatValue
internal import Platform
internal import Synchronization
package import WorkflowCore

/// Follows the journals of runs from outside the workers, entry by entry, those included that watchers do not see.
///
/// A run keeps what is not read yet in its own log, from which it is fetched now and then; one that is over is kept up to a bound
/// of bytes for all such runs, beyond which it is given up and counted. One task calls ``run(_:)``.
package final class JournalFollower: Sendable {
    /// What happens to a run that is followed.
    package enum Notice {
        /// The log as far as it goes now, and what it had before the run was followed. The log lives as long as the call. The plan
        /// is the follower's own, so that no other thread counts references to it.
        case grown(run: String, plan: Plan, log: RunLog, past: RunPast)
        /// The run is over, or rests; if it goes on, its log comes anew, from the first entry on.
        case left(run: String)
    }

    /// Between two looks, in which entries gather.
    private static let pause = Duration.milliseconds(50)

    private let store: (any RunStore)?
    private let queue: SubscriptionQueue
    private let allowance: PullAllowance
    private let lost = Mutex(Lost())
    private let finished = Gate()
    /// What runs that nobody drives had before something was written to them, until that is told.
    private let written = Mutex<[String: RunPast]>([:])

    /// The runs that could not be followed to their end; of the newest ones each is counted once.
    private struct Lost {
        static let limit = 1000
        var count = 0
        var newest: Set<String> = []
    }

    /// - Parameters:
    ///   - store: where what was written to runs that nobody drives is read.
    ///   - buffer: how many bytes of runs that are over may wait.
    package init(store: (any RunStore)? = nil, buffer: Int = 64 << 20) {
        self.store = store
        queue = SubscriptionQueue(limit: buffer)
        allowance = PullAllowance(bytes: buffer)
    }

    /// How many runs could not be followed to their end.
    package var lostCount: Int { lost.withLock(\.count) }

    private func noteLost(_ run: String) {
        lost.withLock { lost in
            guard lost.newest.insert(run).inserted else { return }
            lost.count += 1
            if lost.newest.count > Lost.limit { lost.newest = [run] }
        }
    }

    /// Waits until everything that happened before has been told, or given up at the end; false where it has not after a time.
    package func caughtUp(within limit: Duration) async -> Bool {
        let gate = Gate()
        queue.post(.mark(gate))
        return await gate.passed(within: limit)
    }

    /// Follows all runs that an engine drives from now on, those included that runs start themselves. To be called before there is
    /// one.
    package func follow(_ engine: WorkflowEngine) { engine.family.followers.add(self) }

    /// Follows one run, whose first `past` entries were made before; nil for those before it was last taken up.
    package func follow(_ run: WorkflowRun, past: Int?) { run.follow(feed(of: run, past: past)) }

    /// - Parameter isTold: whether all that had ended in the past was told of by the process that drove the run then.
    func feed(of run: WorkflowRun, past: Int?, isTold: Bool = false) -> RunPull {
        RunPull(run, past: past, isTold: isTold, queue, allowance)
    }

    /// The store has got something of a run that nobody drives, behind a number of entries.
    func noteWritten(_ run: String, _ plan: Plan, _ past: RunPast) {
        written.withLock { $0[run] = past }
        queue.post(.behind(run, plan, after: past.count))
    }

    /// Nothing comes any more; ``run(_:)`` ends when it has told all that lies ready.
    package func finish() {
        queue.finish(.closed)
        finished.open()
    }

    /// Tells of everything until ``finish()``; a cancel of the task gives up what lies ready.
    package func run(_ body: (Notice) async -> Void) async {
        var copies = Copies()
        while true {
            let (messages, end) = await queue.take()
            for message in messages {
                if Task.isCancelled {
                    noteLost(message)
                    continue
                }
                switch message {
                case .mark(let gate): gate.open()
                case .news(let pull): await take(pull, &copies, body)
                case .behind(let run, let plan, let after):
                    guard let plan else { continue }
                    await leave(run, &copies, body)
                    let past = written.withLock { $0.removeValue(forKey: run) }
                    let known = copies.copy(of: run, plan, past: past ?? RunPast(count: after ?? 0))
                    if await catchUp(known.copy) { await tell(known, body) }
                    await leave(run, &copies, body)
                case .piece, .settled, .transient, .nudge: break
                }
            }
            if end != nil { return }
            _ = await finished.passed(within: Self.pause)
        }
    }

    private func noteLost(_ message: SubscriptionQueue.Message) {
        switch message {
        case .news(let pull): noteLost(pull.run)
        case .behind(let run, _, _):
            _ = written.withLock { $0.removeValue(forKey: run) }
            noteLost(run)
        case .mark(let gate): gate.open()
        case .piece, .settled, .transient, .nudge: break
        }
    }

    /// The runs that are being read.
    private struct Copies {
        struct Known {
            let copy: LogCopy
            let past: RunPast
            /// Where it is fetched; nil for the store.
            let source: RunPull?
        }

        /// How many plans are kept besides those of runs that are being read.
        private static let planLimit = 64

        private var runs: [String: Known] = [:]
        private var plans: [ObjectIdentifier: (original: Plan, own: Plan)] = [:]

        func known(_ run: String) -> Known? { runs[run] }

        mutating func copy(
            of run: String, _ plan: Plan, past: @autoclosure () -> RunPast, from source: RunPull? = nil
        ) -> Known {
            if let known = runs[run] { return known }
            let known = Known(copy: LogCopy(run: run, plan: own(plan)), past: past(), source: source)
            runs[run] = known
            return known
        }

        mutating func remove(_ run: String) -> Known? { runs.removeValue(forKey: run) }

        private mutating func own(_ plan: Plan) -> Plan {
            if let known = plans[ObjectIdentifier(plan)] { return known.own }
            if plans.count >= Self.planLimit { plans = [:] }
            let own = plan.withCode { $0 }
            plans[ObjectIdentifier(plan)] = (plan, own)
            return own
        }
    }

    private func take(_ pull: RunPull, _ copies: inout Copies, _ body: (Notice) async -> Void) async {
        // An earlier run of the same id.
        if let known = copies.known(pull.run), known.source !== pull { await leave(pull.run, &copies, body) }
        while !Task.isCancelled {
            let before = copies.known(pull.run)?.copy.log
            let fetched: RunPull.Fetched
            switch await pull.fetch(after: before?.count ?? 0, arena: before?.arena.count ?? 0) {
            case .fetched(let answer): fetched = answer
            case .nothing:
                if pull.isGone { await leave(pull.run, &copies, body) }
                return
            case .unreachable:
                pull.noteRead()
                noteLost(pull.run)
                return await leave(pull.run, &copies, body)
            }
            let known = copies.copy(of: pull.run, pull.plan, past: pull.past, from: pull)
            guard known.copy.take(fetched.chunk) != nil else {
                noteLost(pull.run)
                return await leave(pull.run, &copies, body)
            }
            await tell(known, body)
            if known.copy.isOver || fetched.rests {
                pull.noteGiven(known.copy.log.count)
                if known.copy.isOver { pull.noteRead() }
                return await leave(pull.run, &copies, body)
            }
            if fetched.isCut { continue }
            if pull.isGone {
                pull.noteGiven(known.copy.log.count)
                await leave(pull.run, &copies, body)
            }
            return
        }
        noteLost(pull.run)
    }

    private func tell(_ known: Copies.Known, _ body: (Notice) async -> Void) async {
        await body(.grown(run: known.copy.run, plan: known.copy.plan, log: known.copy.log, past: known.past))
    }

    private func leave(_ run: String, _ copies: inout Copies, _ body: (Notice) async -> Void) async {
        if let known = copies.remove(run) {
            await body(.left(run: run))
            // The log has lived until here.
            withExtendedLifetime(known.copy) {}
        }
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
        noteLost(copy.run)
        return false
    }
}
