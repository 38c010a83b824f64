import FlatValue
import WorkflowEngine

/// The orders of this program, and what its scripts may do with them.
actor OrderBook {
    private var totals: [Int64: Double] = [7: 120, 8: 30]
    private var closed: [String: String] = [:]

    /// The functions of `aikit.host "orders"`.
    nonisolated var operations: HostOperations {
        HostOperations()
            .operation("orders.lookup") { call in try await self.lookUp(call.payload["id"]?.int ?? 0) }
            .operation("orders.close") { call in await self.close(call) }
    }

    private func lookUp(_ id: Int64) throws -> Value {
        guard let total = totals[id] else {
            throw StepError(code: "no_such_order", message: "there is no order \(id)", retryable: false)
        }
        return ["id": Value(id), "total": Value(total)]
    }

    /// A step that begins again after a crash asks with the same key, and is answered alike.
    private func close(_ call: HostCall) -> Value {
        let state = closed[call.idempotencyKey] ?? (call.payload["shipped"]?.bool == true ? "shipped" : "cancelled")
        closed[call.idempotencyKey] = state
        return ["state": Value(state)]
    }
}
