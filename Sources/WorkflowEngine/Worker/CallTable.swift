internal import WorkflowCore

/// The calls of one run that wait for the host, found by their number and by their frame.
///
/// Most runs have one; a foreach may have a hundred thousand, so neither way looks at the others.
struct CallTable: ~Copyable {
    /// Nil while there is no call: a run that waits by itself keeps none.
    private var storage: Storage?

    private final class Storage {
        var slots: [PendingCall?] = []
        var free: [Int32] = []
        /// The slot of a frame's call plus one, 0 for none.
        var slotOfFrame: [Int32] = []
        var count = 0
    }

    private static let slotBits: UInt64 = 24

    var count: Int { storage?.count ?? 0 }
    var isEmpty: Bool { storage == nil }
    /// All calls, in no order.
    var all: [PendingCall] { storage?.slots.compactMap { $0 } ?? [] }

    /// Adds a call and numbers it; `ordinal` is one that the worker has not given before.
    mutating func add(_ call: PendingCall, ordinal: UInt64) -> UInt64 {
        let table = storage ?? Storage()
        storage = table
        let slot = table.free.popLast().map(Int.init) ?? table.slots.count
        if slot == table.slots.count { table.slots.append(nil) }
        var call = call
        call.id = ordinal << Self.slotBits | UInt64(slot)
        table.slots[slot] = call
        let frame = Int(call.frame)
        if frame >= table.slotOfFrame.count {
            table.slotOfFrame.append(contentsOf: repeatElement(0, count: frame + 1 - table.slotOfFrame.count))
        }
        table.slotOfFrame[frame] = Int32(slot) + 1
        table.count += 1
        return call.id
    }

    /// The call of that number, if it has not ended.
    subscript(id: UInt64) -> PendingCall? {
        get {
            let slot = place(of: id)
            guard let table = storage, slot < table.slots.count, table.slots[slot]?.id == id else { return nil }
            return table.slots[slot]
        }
        set {
            let slot = place(of: id)
            guard let table = storage, slot < table.slots.count, let old = table.slots[slot], old.id == id else {
                return
            }
            table.slots[slot] = newValue
            if newValue == nil {
                table.slotOfFrame[Int(old.frame)] = 0
                table.free.append(Int32(slot))
                table.count -= 1
                if table.count == 0 { storage = nil }
            }
        }
    }

    /// The number of the call that runs on behalf of a frame.
    func call(of frame: Int32, serial: UInt32) -> UInt64? {
        guard let table = storage, frame >= 0, Int(frame) < table.slotOfFrame.count, table.slotOfFrame[Int(frame)] > 0
        else { return nil }
        let call = table.slots[Int(table.slotOfFrame[Int(frame)]) - 1]
        return call?.serial == serial ? call?.id : nil
    }

    private func place(of id: UInt64) -> Int { Int(id & (1 << Self.slotBits - 1)) }
}
