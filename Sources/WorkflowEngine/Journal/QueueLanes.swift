/// Which lanes of a queue are looked at, and when.
///
/// A lane holds the queued runs that share all of their groups, so that only its first run has to be looked at. One that may
/// not begin closes its lane until that has changed which keeps it waiting. Of the lanes that wait for the same thing only the
/// first one is opened then; whatever becomes of its run has the next lane opened as long as there is room. So what it costs to
/// let a run begin does not grow with the number of lanes.
///
/// Of the lanes that wait for a rate the first one waits for the time, and leads: the others wait until it has begun.
///
/// Lanes and groups have numbers above 0; a group of 0 is none.
package protocol QueueLanes {
    /// What reading and writing lanes may fail with.
    associatedtype Failure: Error

    /// Opens the first of the lanes that wait for a group; no-op if none does.
    mutating func openFirst(waitingFor group: Int64) throws(Failure)

    /// Has a lane wait for a group.
    mutating func close(_ lane: Int64, for group: Int64) throws(Failure)

    /// Has a lane wait for a time, in microseconds since 1970.
    mutating func close(_ lane: Int64, until time: Int64) throws(Failure)

    /// The first of the lanes that wait for a group.
    mutating func firstLane(waitingFor group: Int64) throws(Failure) -> QueueLane.Head?

    /// Whether a lane with this rate waits for a time and stands before another one.
    func isLed(_ rate: Int64, before head: QueueLane.Head) throws(Failure) -> Bool

    /// Has the lanes with this rate that wait for a time wait for the rate instead.
    mutating func stopLeading(_ rate: Int64) throws(Failure)

    /// Whether a run of a singleton has begun and is not over.
    func isTaken(_ singleton: Int64) throws(Failure) -> Bool
}

/// A lane, by its number and what its runs share.
package struct QueueLane: Sendable, Equatable {
    package var number: Int64
    package var concurrency: Int64
    package var rate: Int64
    package var singleton: Int64

    package init(_ number: Int64, concurrency: Int64, rate: Int64, singleton: Int64) {
        (self.number, self.concurrency, self.rate, self.singleton) = (number, concurrency, rate, singleton)
    }

    /// The place of a lane among others: that of its first run.
    package struct Head: Sendable, Comparable {
        package var priority: Int64
        /// Grows with each run that comes.
        package var number: Int64
        package var lane: Int64

        package init(priority: Int64, number: Int64, lane: Int64) {
            (self.priority, self.number, self.lane) = (priority, number, lane)
        }

        package static func < (left: Head, right: Head) -> Bool {
            left.priority == right.priority ? left.number < right.number : left.priority > right.priority
        }
    }

    /// What keeps the first run of a lane from beginning.
    package enum Obstacle: Sendable, Equatable {
        /// Its concurrency or its singleton, which has to have room.
        case group(Int64)
        /// Its rate, which has room at a time, in microseconds since 1970.
        case rate(until: Int64)
    }
}

extension QueueLanes {
    /// The first run of a lane may not begin.
    package mutating func meet(_ obstacle: QueueLane.Obstacle, in lane: QueueLane) throws(Failure) {
        switch obstacle {
        case .group(let group):
            try close(lane.number, for: group)
            if lane.rate != 0 { try openFirst(waitingFor: lane.rate) }
            try openRoom(beside: lane, except: group)
        case .rate(let time):
            try openRoom(beside: lane, except: 0)
            try close(lane.number, for: lane.rate)
            guard let first = try firstLane(waitingFor: lane.rate) else { return }
            if try isLed(lane.rate, before: first) { return }
            try stopLeading(lane.rate)
            try close(first.lane, until: time)
        }
    }

    /// A run of a lane has begun, which shows its next one.
    ///
    /// - Parameter hasRoom: whether its concurrency lets more begin.
    package mutating func begin(in lane: QueueLane, hasRoom: Bool) throws(Failure) {
        if lane.rate != 0 { try openFirst(waitingFor: lane.rate) }
        if lane.concurrency != 0, hasRoom { try openFirst(waitingFor: lane.concurrency) }
    }

    /// A run that had begun is over.
    package mutating func end(in lane: QueueLane) throws(Failure) {
        if lane.concurrency != 0 { try openFirst(waitingFor: lane.concurrency) }
        if lane.singleton != 0 { try openFirst(waitingFor: lane.singleton) }
    }

    /// No run of a lane waits any more. It may have been the one that waited for the time of others as well.
    package mutating func empty(_ lane: QueueLane) throws(Failure) {
        if lane.rate != 0 { try openFirst(waitingFor: lane.rate) }
    }

    /// Opens others that wait for room which a run does not use that something else keeps waiting.
    private mutating func openRoom(beside lane: QueueLane, except group: Int64) throws(Failure) {
        // A concurrency that is not the obstacle has room; whether a singleton has is seen only behind it.
        if lane.concurrency != 0, group != lane.concurrency { try openFirst(waitingFor: lane.concurrency) }
        guard lane.singleton != 0, group != lane.singleton, try !isTaken(lane.singleton) else { return }
        try openFirst(waitingFor: lane.singleton)
    }
}
