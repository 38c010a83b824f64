internal import JSONSchema
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The owner that the writer is, and what it holds.
extension Writer {
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
    func lockOwner(_ connection: Connection) throws(PostgresFailure) {
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
    func idle() {
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
    func leave() {
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
}
