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
    private let ownerName: String

    private var connection: Connection?
    private var hasConnected = false
    private var waiting: [Message] = []
    private var round: Round?
    private var stall: RetryPause?
    private var closed: (@Sendable () -> Void)?
    private var isClosing = false
    private var sliceNumber = 0
    private var freeRows: [Int64] = []
    private let parameters = Parameters()
    /// In nanoseconds of the monotonic clock, by which the lease is renewed.
    private var leaseRenewal: UInt64 = 0
    /// Runs whose entries were refused, and which the store still takes for this owner's.
    private var givenUp: [PostgresLease] = []
    /// Generations that this journal needs even if no run of theirs is left.
    var generations: Set<String> = []
    /// Runs that the job at hand took in a transaction of which nobody knows whether it is in the store.
    var claiming: Set<Int64> = []
    /// Runs that may be this owner's without anybody driving them: the answer to their start or claim was lost, and they were
    /// given up.
    private var stranded: Set<Int64> = []
    var inbox = InboxWatch()
    var queueWatch = ClockWatch()
    /// The clock of the queue was set back, and the queue does not know it yet.
    var isQueueSetBack = false

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

    private var isLeaseDue: Bool { owner != 0 && monotonicNanoseconds() >= leaseRenewal }

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
        if waits.toldCodes.insert(error.code).inserted { options.onStall?(error) }
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

    // MARK: The owner

    /// Makes this journal an owner.
    func becomeOwner() throws(PostgresFailure) {
        if owner != 0 { return }
        let number = try transaction { connection in
            // Nobody needs the rows of owners that are gone and whose runs are over.
            try connection.run(
                """
                DELETE FROM owners WHERE lease_until < \(Schema.now) - 60000000
                    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.owner = owners.id AND status < 4)
                """)
            let row = try connection.run(
                "INSERT INTO owners (name, lease_until) VALUES ($1::text, \(Schema.now) + $2::bigint) RETURNING id",
                Parameters().add(ownerName).add(options.lease)
            ).first
            guard let number = try row?.natural(0) else { throw PostgresFailure.disconnected("there is no number") }
            for generation in generations { try hold(generation, number, connection) }
            return number
        }
        owner = number
        noteRenewal()
        try lockOwner(connect())
    }

    /// Takes the lock that tells that this process is alive. It goes with the connection, however that ends; a server that has
    /// not noticed yet that a connection broke keeps nobody waiting, since the lock is shared.
    private func lockOwner(_ connection: Connection) throws(PostgresFailure) {
        try connection.run(
            "SELECT pg_advisory_lock_shared(hashtext($1::text), ($2::bigint % 2147483647)::integer)",
            Parameters().add(ownerLock).add(owner))
    }

    /// Lets go of that lock and of nothing else, as the death of the process does.
    func unlockOwner() throws {
        try connect().run(
            "SELECT pg_advisory_unlock_shared(hashtext($1::text), ($2::bigint % 2147483647)::integer)",
            Parameters().add(ownerLock).add(owner))
    }

    var ownerLock: String { "aikit-lua owners of \(options.schema)" }

    /// Keeps a generation for as long as an owner is one.
    func hold(_ generation: String, _ owner: Int64, _ connection: Connection) throws {
        try connection.run(
            "INSERT INTO generation_holds VALUES ($1::bigint, $2::text) ON CONFLICT DO NOTHING",
            Parameters().add(owner).add(generation))
    }

    func noteRenewal() {
        leaseRenewal = monotonicNanoseconds() + UInt64(clamping: options.lease) * 1000 / 3
    }

    /// Forgets all runs: another process has taken them, or may.
    func loseLease() {
        let lost = owner
        owner = 0
        if lost != 0, let connection {
            _ = try? connection.run(
                "SELECT pg_advisory_unlock_shared(hashtext($1::text), ($2::bigint % 2147483647)::integer)",
                Parameters().add(ownerLock).add(lost))
        }
    }

    /// Renews the lease; false if it is lost, and this journal owns nothing any more.
    func renewLease(_ connection: Connection) throws -> Bool {
        let rows = try connection.run(
            prepared: "renew",
            """
            UPDATE owners SET lease_until = greatest(lease_until, \(Schema.now) + $2::bigint) WHERE id = $1::bigint
            """, Parameters().add(owner).add(options.lease))
        if rows.changed == 0 {
            loseLease()
            return false
        }
        noteRenewal()
        return true
    }

    /// What is done when nothing waits. A failure shows again with what is written next.
    private func idle() {
        guard owner != 0 || !givenUp.isEmpty || !stranded.isEmpty else { return }
        do {
            let connection = try connect()
            if isLeaseDue { _ = try renewLease(connection) }
            try releaseStranded()
            if !givenUp.isEmpty {
                try release(givenUp, connection)
                givenUp.removeAll()
            }
        } catch {
            if PostgresFailure(error).endsConnection { connection = nil }
            if !givenUp.isEmpty || !stranded.isEmpty || owner != 0 {
                leaseRenewal = monotonicNanoseconds() + 1_000_000_000
            }
        }
        if inbox.deliver != nil { inbox.isDue = true }
    }

    /// Lets runs go.
    func release(_ leases: [PostgresLease], _ connection: Connection) throws {
        let own = leases.filter { $0.fence == owner && $0.sequence >= 0 }
        if own.isEmpty { return }
        try connection.run(
            "UPDATE runs SET owner = NULL WHERE row = ANY($1::bigint[]) AND owner = $2::bigint",
            Parameters().add(own.map(\.row)).add(owner))
        for lease in own { lease.fence = -1 }
    }

    /// Lets the runs go that nobody drives. To be done before runs are claimed: they are not claimed of oneself.
    func releaseStranded() throws(PostgresFailure) {
        if !stranded.isEmpty, owner != 0 {
            try connect().run(
                "UPDATE runs SET owner = NULL WHERE row = ANY($1::bigint[]) AND owner = $2::bigint AND status < 4",
                Parameters().add(Array(stranded)).add(owner))
        }
        stranded.removeAll()
    }

    /// The last thing: the runs are let go.
    private func leave() {
        guard owner != 0, let connection = try? connect() else { return }
        // Whoever takes these runs over sees that they were let go, and that nothing died.
        try? connection.transaction {
            try connection.run(
                "UPDATE runs SET owner = NULL WHERE status < 4 AND owner = $1::bigint", Parameters().add(owner))
            try connection.run("DELETE FROM generation_holds WHERE owner = $1::bigint", Parameters().add(owner))
            try connection.run("DELETE FROM owners WHERE id = $1::bigint", Parameters().add(owner))
        }
        owner = 0
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

    func newSlice() -> Slice {
        sliceNumber += 1
        return Slice(owner: owner, number: sliceNumber, largePayload: options.largePayload)
    }

    /// Parameters for the statement that is written most; used by one statement at a time.
    var sliceParameters: Parameters { parameters }
}
