internal import WorkflowCore

/// The calls of one run that wait for the host, found by their number and by their frame.
///
/// Most runs have one; a foreach may have a hundred thousand, so neither way looks at the others.
struct CallTable {
    private var slots: [PendingCall?] = []
    private var free: [Int32] = []
    /// The slot of a frame's call plus one, 0 for none.
    private var slotOfFrame: [Int32] = []
    private(set) var count = 0

    private static let slotBits: UInt64 = 24

    var isEmpty: Bool { count == 0 }
    /// All calls, in no order.
    var all: [PendingCall] { slots.compactMap { $0 } }

    /// Adds a call and numbers it; `ordinal` is one that the worker has not given before.
    mutating func add(_ call: PendingCall, ordinal: UInt64) -> UInt64 {
        let slot = free.popLast().map(Int.init) ?? slots.count
        if slot == slots.count { slots.append(nil) }
        var call = call
        call.id = ordinal << Self.slotBits | UInt64(slot)
        slots[slot] = call
        let frame = Int(call.frame)
        if frame >= slotOfFrame.count {
            slotOfFrame.append(contentsOf: repeatElement(0, count: frame + 1 - slotOfFrame.count))
        }
        slotOfFrame[frame] = Int32(slot) + 1
        count += 1
        return call.id
    }

    /// The call of that number, if it has not ended.
    subscript(id: UInt64) -> PendingCall? {
        get {
            let slot = place(of: id)
            return slot < slots.count && slots[slot]?.id == id ? slots[slot] : nil
        }
        set {
            let slot = place(of: id)
            guard slot < slots.count, let old = slots[slot], old.id == id else { return }
            slots[slot] = newValue
            if newValue == nil {
                slotOfFrame[Int(old.frame)] = 0
                free.append(Int32(slot))
                count -= 1
                if count == 0 { self = CallTable() }
            }
        }
    }

    /// The number of the call that runs on behalf of a frame.
    func call(of frame: Int32, serial: UInt32) -> UInt64? {
        guard frame >= 0, Int(frame) < slotOfFrame.count, slotOfFrame[Int(frame)] > 0 else { return nil }
        let call = slots[Int(slotOfFrame[Int(frame)]) - 1]
        return call?.serial == serial ? call?.id : nil
    }

    private func place(of id: UInt64) -> Int { Int(id & (1 << Self.slotBits - 1)) }
}
