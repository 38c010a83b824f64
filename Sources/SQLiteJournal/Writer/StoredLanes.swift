internal import GRDB
internal import WorkflowEngine

/// The lanes of the queue in a store's tables, in the transaction that is open. Numbers are those of ``Schema/queueTables``.
///
/// Statements that look for a lane by a bound `blocked` name their index. SQLite would compare the value with those of the partial
/// indexes, and so prepare the statement anew for each one.
struct StoredLanes: QueueLanes {
    typealias Failure = any Error

    let database: Database

    mutating func openFirst(waitingFor group: Int64) throws {
        try database.cachedStatement(
            sql: """
                UPDATE queue_lanes SET blocked = 0
                WHERE id = (SELECT id FROM queue_lanes INDEXED BY queue_lanes_by_order
                    WHERE blocked = ? ORDER BY priority DESC, head LIMIT 1)
                """
        ).execute(arguments: [group])
    }

    mutating func close(_ lane: Int64, for group: Int64) throws {
        try database.cachedStatement(sql: "UPDATE queue_lanes SET blocked = ?, wake_at = 0 WHERE id = ?")
            .execute(arguments: [group, lane])
    }

    mutating func close(_ lane: Int64, until time: Int64) throws {
        try database.cachedStatement(sql: "UPDATE queue_lanes SET blocked = -1, wake_at = ? WHERE id = ?")
            .execute(arguments: [time, lane])
    }

    mutating func firstLane(waitingFor group: Int64) throws -> QueueLane.Head? {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT priority, head, id FROM queue_lanes INDEXED BY queue_lanes_by_order
                    WHERE blocked = ? ORDER BY priority DESC, head LIMIT 1
                    """), arguments: [group])
        return try row.map {
            QueueLane.Head(priority: try $0.integer(0), number: try $0.integer(1), lane: try $0.integer(2))
        }
    }

    func isLed(_ rate: Int64, before head: QueueLane.Head) throws -> Bool {
        try Bool.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT EXISTS (SELECT 1 FROM queue_lanes
                        WHERE rate = ?1 AND blocked = -1 AND (priority > ?2 OR priority = ?2 AND head < ?3))
                    """), arguments: [rate, head.priority, head.number]) == true
    }

    mutating func stopLeading(_ rate: Int64) throws {
        try database.cachedStatement(sql: "UPDATE queue_lanes SET blocked = rate WHERE rate = ? AND blocked = -1")
            .execute(arguments: [rate])
    }

    func isTaken(_ singleton: Int64) throws -> Bool {
        try Bool.fetchOne(
            database.cachedStatement(
                sql: "SELECT EXISTS (SELECT 1 FROM queue WHERE singleton = ? AND singleton <> 0 AND state = 2)"),
            arguments: [singleton]) == true
    }
}
