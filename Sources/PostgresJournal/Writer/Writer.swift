internal import JSONSchema
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The one thread that writes runs, through one connection.
///
/// It takes everything that waits and writes it in one statement, so that the more there is to write at once, the
/// less a single entry costs. What cannot be written for a reason that may pass waits, in its order. Everything but
/// ``queue`` and ``ownNumber`` belongs to the thread.
final class Writer: @unchecked Sendable {
    enum Message {
        case batch(JournalBatch, Round.Answer)
        /// Something rarer that needs the connection.
        case job(Job)
        /// The inbox may have something.
        case look
        /// Somebody wants what is in the inbox from now on.
        case watch(@Sendable ([InboxMessage]) -> Void)
        case close(@Sendable () -> Void)
    }

    /// Something that is tried until it succeeds or time is over.
    struct Job {
        /// Does it, and gives what tells whoever waits for it.
        let attempt: (Writer) throws -> () -> Void
        let fail: (JournalError) -> Void
    }

    let queue = Inbox<Message>()
    /// The writer's number among the owners of runs, for other threads; 0 while it owns nothing.
    let ownNumber = Atomic<Int64>(0)
    let address: PostgresAddress
    let options: PostgresJournalOptions
    let clock: any EngineClock
    let ownerName: String

    var connection: Connection?
    private var hasConnected = false
    var waiting: [Message] = []
    private var round: Round?
    private var stall: RetryPause?
    private var closed: (@Sendable () -> Void)?
    private var isClosing = false
    private var sliceNumber = 0
    private var freeRows: [Int64] = []
    private let parameters = Parameters()
    /// In nanoseconds of the monotonic clock, by which the lease is renewed.
    var leaseRenewal: UInt64 = 0
    /// Runs whose entries were refused, and which the store still takes for this owner's.
    var givenUp: [PostgresLease] = []
    /// Generations that this journal needs even if no run of theirs is left.
    var generations: Set<String> = []
    /// Runs that the job at hand took in a transaction of which nobody knows whether it is in the store.
    var claiming: Set<Int64> = []
    /// Runs that may be this owner's without anybody driving them: the answer to their start or claim was lost, and they were
    /// given up.
    var stranded: Set<Int64> = []
    var inbox = InboxWatch()
    var queueWatch = ClockWatch()
    /// The clock of the queue was set back, and the queue does not know it yet.
    var isQueueSetBack = false
    /// Waits that owners which are gone have noted have been removed.
    var hasTidiedWaits = false

    init(
        _ address: PostgresAddress, _ options: PostgresJournalOptions, clock: any EngineClock, ownerName: String
    ) {
        self.address = address
        self.options = options
        self.clock = clock
        self.ownerName = ownerName
    }

    /// This journal's number as an owner; 0 for none.
    var owner: Int64 {
        get { ownNumber.load(ordering: .relaxed) }
        set { ownNumber.store(newValue, ordering: .relaxed) }
    }

    // MARK: The thread

    /// Works until the queue is closed. Called once, on a thread of its own.
    func work() {
        var taken: [Message] = []
        while closed == nil {
            queue.take(into: &taken, waiting: pause)
            let hasNews = !taken.isEmpty
            for message in taken { if case .close = message { isClosing = true } }
            waiting += taken
            taken.removeAll(keepingCapacity: true)
            drain()
            if stall == nil {
                if !hasNews || isLeaseDue { idle() }
                if inbox.isDue { deliverInbox() }
            }
        }
        leave()
        connection = nil
        closed?()
    }

    /// How long the thread sleeps while nothing comes, in nanoseconds.
    private var pause: UInt64? {
        if let stall { return stall.remaining }
        if !givenUp.isEmpty || !stranded.isEmpty { return 200_000_000 }
        if owner == 0 { return nil }
        if inbox.deliver != nil { return inbox.isListening ? 1_000_000_000 : 50_000_000 }
        return max(UInt64(clamping: options.lease) * 1000 / 6, 10_000_000)
    }

    var isLeaseDue: Bool { owner != 0 && monotonicNanoseconds() >= leaseRenewal }

    /// Does what waits, in order, until it is done or has to wait.
    private func drain() {
        if let stall, !isClosing, stall.remaining > 0 { return }
        while round != nil || !waiting.isEmpty {
            do throws(PostgresFailure) {
                try step()
                if stall != nil {
                    stall = nil
                    options.onStall?(nil)
                }
            } catch {
                if error.endsConnection { connection = nil }
                if postpone(error) { return }
                giveUp(error)
            }
        }
    }

    private func step() throws(PostgresFailure) {
        if round == nil { collect() }
        if let round {
            try write(round)
            self.round = nil
            return round.answer(undecided: .conflict)
        }
        switch waiting.first {
        case .job(let job):
            let connection = try connect()
            let tell: () -> Void
            do { tell = try job.attempt(self) } catch {
                let failure = PostgresFailure(error)
                if !connection.isOpen, !failure.endsConnection { self.connection = nil }
                throw failure
            }
            waiting.removeFirst()
            tell()
        case .close(let answer):
            closed = answer
            waiting.removeAll()
        case .look:
            inbox.isDue = inbox.deliver != nil
            waiting.removeFirst()
        case .watch(let deliver):
            (inbox.deliver, inbox.isDue) = (deliver, true)
            waiting.removeFirst()
        case .batch, nil: break
        }
    }

    /// Takes the batches that wait first into a round.
    private func collect() {
        let first = waiting.prefix { if case .batch = $0 { true } else { false } }
        if first.isEmpty { return }
        round = Round(
            first.compactMap { message in
                if case .batch(let batch, let answer) = message { (batch, answer) } else { nil }
            })
        waiting.removeFirst(first.count)
    }

    // MARK: Failing

    /// Lets what was tried wait, if the reason may pass and time is not over.
    private func postpone(_ failure: PostgresFailure) -> Bool {
        // A server that ends a session may say so in place of the answer to a commit.
        if failure.endsConnection { round?.isInDoubt = true }
        guard failure.mayPass, !isClosing else { return false }
        if !hasConnected {
            guard failure.isServerStarting, (stall?.age ?? 0) < options.connectTimeout * 1000 else { return false }
        }
        var waits = stall ?? RetryPause()
        guard waits.age < options.retryTime * 1000 else { return false }
        let error = failure.error(address)
        // A server that ends connections first may say later why it takes no others.
        if waits.toldCodes.insert(error.reason).inserted { options.onStall?(error) }
        stall = waits.postponed()
        return true
    }

    /// Answers what was tried with the reason why it cannot be done.
    private func giveUp(_ failure: PostgresFailure) {
        let error = failure.error(address)
        if let round {
            if !failure.mayPass, !round.isApart {
                round.isApart = true
                return
            }
            refuse(round, error)
        } else {
            refuseJob(error)
        }
        // Without a connection nothing else can be done either.
        guard failure.mayPass else { return }
        collect()
        while let round {
            refuse(round, error)
            collect()
        }
        while refuseJob(error) {
            collect()
            if let round { refuse(round, error) }
        }
        stall = nil
    }

    /// Answers the job that waits first, if one does; whether it was one.
    @discardableResult
    private func refuseJob(_ error: JournalError) -> Bool {
        guard case .job(let job) = waiting.first else { return false }
        stranded.formUnion(claiming)
        claiming.removeAll()
        waiting.removeFirst()
        job.fail(error)
        return true
    }

    private func refuse(_ round: Round, _ error: JournalError) {
        let leases = round.allUndecided.compactMap { round[$0].run.postgresLease }
        givenUp += leases.filter { $0.sequence >= 0 }
        // A run that was to begin may have begun.
        if round.isInDoubt { stranded.formUnion(leases.filter { $0.sequence < 0 }.map(\.row)) }
        self.round = nil
        round.answer(undecided: .failed(error))
    }

    // MARK: The connection

    /// The connection, which is made if there is none.
    func connect() throws(PostgresFailure) -> Connection {
        if let connection, connection.isOpen { return connection }
        connection = nil
        let made = try Connection(address, options, isWriter: true)
        try Migration(made, address, options).run()
        if owner != 0 { try lockOwner(made) }
        connection = made
        hasConnected = true
        return made
    }

    /// Runs `body` in a transaction, again if it was undone only because of others.
    func transaction<Result>(_ body: (Connection) throws -> Result) throws(PostgresFailure) -> Result {
        let connection = try connect()
        var attempts = 0
        while true {
            do throws(PostgresFailure) {
                return try connection.transaction { try body(connection) }
            } catch {
                attempts += 1
                guard error.isSerialization, attempts < 10 else { throw error }
            }
        }
    }

    // MARK: Rows and slices

    /// Numbers for runs that begin.
    func reserveRows(_ count: Int) throws(PostgresFailure) {
        guard freeRows.count < count else { return }
        let rows = try connect().run(
            "SELECT nextval('run_rows') FROM generate_series(1, $1::bigint)",
            Parameters().add(Int64(max(count - freeRows.count, 32))))
        do {
            freeRows = try rows.all.map { try $0.natural(0) }.reversed() + freeRows
        } catch {
            throw PostgresFailure(error)
        }
    }

    func takeRow() -> Int64 { freeRows.popLast() ?? 0 }

    func newSlice() -> EntrySlice {
        sliceNumber += 1
        return EntrySlice(owner: owner, number: sliceNumber, largePayload: options.largePayload)
    }

    /// Parameters for the statement that is written most; used by one statement at a time.
    var sliceParameters: Parameters { parameters }
}
