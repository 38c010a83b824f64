/// The timers of one worker: a binary heap by deadline. A timer is not taken out early for its own sake; one that is not
/// wanted any more is recognised as such when it fires.
struct TimerHeap {
    struct Timer {
        /// Microseconds of ``EngineClock/elapsed()``.
        var deadline: Int64
        /// The time of the day at which it is due too, in microseconds since 1970; 0 for none.
        var wall: Int64 = 0
        var run: Run
        var purpose: Purpose
    }

    enum Purpose {
        /// A wait of the run machine.
        case frame(Int32, serial: UInt32)
        /// An answer to a call's request to sleep.
        case sleep(call: UInt64, token: UInt32)
        /// The step has taken too long.
        case timeout(call: UInt64)
        /// What drives the run in another process wanted to be told.
        case due
    }

    private var heap: ContiguousArray<Timer> = []

    var next: Int64? { heap.first?.deadline }
    var count: Int { heap.count }

    mutating func insert(_ timer: Timer) {
        heap.append(timer)
        var index = heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].deadline < heap[parent].deadline else { break }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    /// Whether a call sleeps, or slept beside something that has ended first.
    func hasSleep(of call: UInt64, _ run: Run) -> Bool {
        heap.contains { timer in
            guard timer.run === run, case .sleep(call, _) = timer.purpose else { return false }
            return true
        }
    }

    /// Takes the earliest timer if it is due.
    mutating func pop(dueAt now: Int64) -> Timer? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sift()
        }
        return first
    }

    /// Moves the timers that go by the time of the day as well to when that time will be, where it is earlier.
    mutating func hasten(elapsed: Int64, now: Int64) {
        let timers = heap
        guard timers.contains(where: { $0.wall != 0 }) else { return }
        heap.removeAll(keepingCapacity: true)
        for var timer in timers {
            if timer.wall != 0 {
                timer.deadline = min(
                    timer.deadline, elapsed.advanced(clampingBy: max(timer.wall.distance(from: now), 0)))
            }
            insert(timer)
        }
    }

    /// Takes out the timers of some runs, for the sake of what the runs hold.
    mutating func removeAll(of isGone: (Run) -> Bool) {
        let kept = heap.filter { !isGone($0.run) }
        guard kept.count < heap.count else { return }
        heap.removeAll(keepingCapacity: true)
        for timer in kept { insert(timer) }
    }

    private mutating func sift() {
        var index = 0
        while true {
            let left = 2 * index + 1
            guard left < heap.count else { return }
            let right = left + 1
            let smaller = right < heap.count && heap[right].deadline < heap[left].deadline ? right : left
            guard heap[smaller].deadline < heap[index].deadline else { return }
            heap.swapAt(smaller, index)
            index = smaller
        }
    }
}

extension Int64 {
    /// The sum, or the largest number where it would be larger.
    func advanced(clampingBy other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// How far it lies after another time; the largest or smallest number where that cannot be said.
    func distance(from other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (self < other ? .min : .max) : difference
    }
}
