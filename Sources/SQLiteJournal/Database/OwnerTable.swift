internal import GRDB
internal import WorkflowEngine

/// The owners that the store knows of, and which of them live.
struct OwnerTable {
    private var owners: [Int64: RunOwner] = [:]
    /// Owners that are gone or hang, and whose runs nobody has taken yet.
    private var unburied: Set<Int64> = []

    /// - Parameters:
    ///   - own: the number of the journal that asks; 0 if it has none.
    ///   - now: microseconds since 1970.
    init(_ database: Database, _ locks: OwnerLocks, own: Int64, now: Int64) throws {
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT id, name, lease_until FROM owners WHERE deposed = 0"))
        while let row = try rows.next() {
            let owner = RunOwner(number: row[0], name: row[1], leaseUntil: row[2], isSelf: row[0] == own)
            if owner.isSelf || owner.leaseUntil > now && locks.isHeld(owner.number) {
                owners[owner.number] = owner
            } else {
                unburied.insert(owner.number)
            }
        }
    }

    func living(_ number: Int64) -> RunOwner? { owners[number] }

    func isUnburied(_ number: Int64) -> Bool { unburied.contains(number) }

    mutating func bury(_ number: Int64) { unburied.remove(number) }
}
