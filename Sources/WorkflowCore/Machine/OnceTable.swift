package import FlatValue

/// What handlers that are under way have recorded once, by frame and name.
///
/// A record belongs to one start of a step: it lasts over attempts, crashes and moves to another process, and goes when the
/// step has ended.
package struct OnceTable: Sendable, Equatable {
    private var frames: [Int32: [ByteText: Slice]] = [:]

    package init() {}

    /// Whether a name has a record, and its value: an absent slice is nil, or null.
    package func record(of name: String, frame: Int32) -> Slice? { frames[frame]?[ByteText(name)] }

    /// Takes in `{ name, value? }`.
    mutating func record(_ payload: Slice, frame: Int32, _ log: RunLog) {
        let record = log.value(payload)
        guard let name = record["name"]?.string else { return }
        var value = Slice.none
        if let bytes = record["value"]?.bytes, let start = bytes.baseAddress, let base = log.arena.bytes.baseAddress {
            value = Slice(offset: UInt32(start - base), length: UInt32(bytes.count))
        }
        frames[frame, default: [:]][ByteText(name)] = value
    }

    mutating func forget(_ frame: Int32) {
        if !frames.isEmpty { frames[frame] = nil }
    }
}
