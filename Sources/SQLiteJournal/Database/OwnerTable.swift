internal import GRDB
internal import WorkflowEngine

/// The owners that the store knows of, and which of them live.
struct OwnerTable {
    private var owners: [Int64: RunOwner] = [:]
    /// Those whose lease ran out or whose process is gone, and whose runs nobody has taken yet.
    private(set) var gone: [Int64: RunOwner] = [:]

    /// - Parameters:
    ///   - own: the number of the journal that asks; 0 if it has none.
    ///   - now: microseconds since 1970.
    init(_ database: Database, _ locks: OwnerLocks, own: Int64, now: Int64) throws {
        let rows = try Row.fetchAll(
            database.cachedStatement(sql: "SELECT id, name, lease_until FROM owners WHERE deposed = 0"))
        locks.newest = try Self.newest(in: database)
        for row in rows {
            // What no owner can have written is taken for one that is gone.
            guard let number = try? row.natural(0) else { continue }
            let lease = (try? row.integer(2)) ?? 0
            let name = (try? row.text(1)) ?? "another process"
            let owner = RunOwner(number: number, name: name, leaseUntil: lease, isSelf: number == own)
            if owner.isSelf || owner.leaseUntil > now && locks.isHeld(owner.number) != false {
                owners[owner.number] = owner
            } else {
                gone[owner.number] = owner
            }
        }
    }

    /// The highest number that an owner has.
    static func newest(in database: Database) throws -> Int64 {
        try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT max(id) FROM owners WHERE id BETWEEN 0 AND 1000000000000000000")) ?? 0
    }

    func living(_ number: Int64) -> RunOwner? { owners[number] }

    var living: [RunOwner] { Array(owners.values) }

    func isExpired(_ number: Int64) -> Bool { gone[number] != nil }

    mutating func remove(_ number: Int64) { gone[number] = nil }
}
