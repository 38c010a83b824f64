internal import FlatValue

/// Signals that came and that no step has taken: a first-in first-out list for each event that a step of the plan waits for.
package struct SignalQueue: ~Copyable {
    private struct Entry: BitwiseCopyable, Equatable {
        var signal: Slice
        /// The next signal of the same event, or the next free entry; `-1` for none.
        var next: Int32
    }

    private struct Line: BitwiseCopyable, Equatable {
        var first: Int32 = -1
        var last: Int32 = -1
    }

    private var entries = PlainBuffer<Entry>()
    private var free: Int32 = -1
    /// By the number that the plan gives an event; empty until the first signal comes.
    private var lines = PlainBuffer<Line>()
    package private(set) var count = 0

    init() {}

    /// The oldest signal of an event.
    func first(of event: Int32) -> Slice? {
        guard event >= 0, Int(event) < lines.count, lines[Int(event)].first >= 0 else { return nil }
        return entries[Int(lines[Int(event)].first)].signal
    }

    mutating func append(_ signal: Slice, of event: Int32) {
        while lines.count <= Int(event) { lines.append(Line()) }
        var place = free
        if place >= 0 {
            free = entries[Int(place)].next
            entries[Int(place)] = Entry(signal: signal, next: -1)
        } else {
            place = Int32(entries.count)
            entries.append(Entry(signal: signal, next: -1))
        }
        let last = lines[Int(event)].last
        if last >= 0 { entries[Int(last)].next = place } else { lines[Int(event)].first = place }
        lines[Int(event)].last = place
        count += 1
    }

    mutating func removeFirst(of event: Int32) {
        guard first(of: event) != nil else { return }
        let place = lines[Int(event)].first
        let next = entries[Int(place)].next
        lines[Int(event)].first = next
        if next < 0 { lines[Int(event)].last = -1 }
        entries[Int(place)].next = free
        free = place
        count -= 1
        if count == 0 { removeAll() }
    }

    mutating func removeAll() {
        entries.removeAll()
        lines.removeAll()
        free = -1
        count = 0
    }

    mutating func trim() {
        entries.trim()
        lines.trim()
    }

    func copy() -> SignalQueue {
        var copy = SignalQueue()
        copy.entries = entries.copy()
        copy.lines = lines.copy()
        copy.free = free
        copy.count = count
        return copy
    }

    package static func == (left: borrowing SignalQueue, right: borrowing SignalQueue) -> Bool {
        left.entries == right.entries && left.lines == right.lines && left.free == right.free
    }
}
