/// The runs of one worker that somebody observes and that are neither over nor lost: a list through the runs themselves, since
/// each run of the hot path enters and leaves it.
struct LiveList {
    private var first: Run?
    private(set) var count = 0

    /// Adds a run; its observer and it hold each other until it is removed.
    mutating func add(_ run: Run) {
        guard !run.isLive else { return }
        run.isLive = true
        run.previousLive = nil
        run.nextLive = first
        first?.previousLive = run
        first = run
        count += 1
    }

    mutating func remove(_ run: Run) {
        guard run.isLive else { return }
        run.isLive = false
        if let previous = run.previousLive { previous.nextLive = run.nextLive } else { first = run.nextLive }
        run.nextLive?.previousLive = run.previousLive
        run.previousLive = nil
        run.nextLive = nil
        count -= 1
    }

    /// The runs, in no order; each may be removed meanwhile.
    var all: [Run] {
        var all: [Run] = []
        var next = first
        while let run = next {
            all.append(run)
            next = run.nextLive
        }
        return all
    }
}
