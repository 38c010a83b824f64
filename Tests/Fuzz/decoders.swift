// Bytes from outside for the decoders that read them: flat values, frames of VM processes, JSON text and the journals of runs.
// The first byte chooses; whatever follows may be refused, and ends no process.

import FlatValue
internal import WorkflowCore

/// A plan with a step, a human step and a loop, on which journals are decoded.
private let plan: Plan = {
    let text = """
        {"id":"w","nodes":[{"type":"step","id":"a"},{"type":"human","id":"h"}]}
        """
    guard let value = try? Value(json: text), let plan = try? DefinitionReader.plan(from: value) else {
        return Plan(
            nodes: [PlanNode(kind: .workflow)], details: [NodeDetails(id: "w")], bodies: [], schemas: [],
            metadata: .emptyObject, ctx: .emptyObject)
    }
    return plan
}()

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = bytes.first else { return 0 }
    let rest = Array(bytes.dropFirst())
    switch choice % 4 {
    case 0: readValue(rest)
    case 1: readFrame(rest)
    case 2: readText(rest)
    default: readJournal(rest)
    }
    return 0
}

/// What is accepted can be walked, printed and read again.
private func readValue(_ bytes: [UInt8]) {
    guard let value = try? Value(validating: bytes) else { return }
    let json = value.json
    guard (try? Value(json: json)) != nil else { fatalError("what was printed cannot be read: \(json)") }
}

private func readFrame(_ bytes: [UInt8]) {
    guard let frame = try? WireFrame(decoding: bytes) else { return }
    guard (try? WireFrame(decoding: Array(frame.encoded.dropFirst(4)))) == frame else { fatalError("another frame") }
}

private func readText(_ bytes: [UInt8]) {
    guard let value = try? Value(json: String(decoding: bytes, as: UTF8.self)) else { return }
    guard (try? Value(json: value.json)) == value else { fatalError("another value") }
}

/// A journal whose first two bytes say how many events it has; what is accepted can be gone on with.
private func readJournal(_ bytes: [UInt8]) {
    guard bytes.count > 2 else { return }
    let length = min(Int(bytes[0]) * MemoryLayout<Event>.stride, bytes.count - 2)
    bytes.withUnsafeBytes { bytes in
        let events = UnsafeRawBufferPointer(rebasing: bytes[2..<2 + length])
        let arena = UnsafeRawBufferPointer(rebasing: bytes[(2 + length)...])
        var decoder = JournalDecoder(plan: plan)
        guard (try? decoder.take(events: events, arena: arena)) != nil else { return }
        _ = decoder.machine.outstandingCommands()
    }
}
