package import FlatValue

/// When a run is to begin, and when it has to be over. Times are in microseconds since 1970, 0 for none.
package struct RunLimits: BitwiseCopyable, Equatable, Sendable {
    /// The frame that the timers of the run itself name.
    package static let frame: Int32 = -1
    static let startSerial: UInt32 = 0

    /// When the run begins; 0 once it has begun.
    package var startAt: Int64 = 0
    /// The input of a run that has not begun.
    var input = Slice.none
    /// The run waits until the store lets it begin.
    package internal(set) var isQueued = false
    /// How long it may take from its beginning, in microseconds; 0 for any time.
    package var timeout: Int64 = 0
    /// When it has to be over; 0 before it has begun.
    package var deadline: Int64 = 0
    /// Of the timer of the deadline; an older one does not count.
    var serial: UInt32 = 1

    /// The payload of `limitsSet`: `{ timeout?, startAt?, input? }`, in milliseconds; `input` is there if the run is not to begin
    /// at once.
    package static func write(timeout: Int64, startAt: Int64, input: Slice, into arena: inout ByteArena) -> Slice {
        arena.writing { arena in
            let object = arena.beginObject()
            var count = 0
            func put(_ key: String, _ time: Int64) {
                guard time > 0 else { return }
                arena.writeKey(key)
                arena.write(time / 1000)
                count += 1
            }
            put("timeout", timeout)
            put("startAt", startAt)
            if startAt > 0 {
                arena.writeKey("input")
                arena.append(input)
                count += 1
            }
            arena.end(object, count: count)
        }
    }

    /// What the payload says. The caller has checked it with ``fault(in:)``, or it was written here.
    init(_ payload: Slice, _ log: RunLog) {
        let value = log.value(payload)
        timeout = (value["timeout"]?.int ?? 0).clamped(multiplying: 1000)
        startAt = (value["startAt"]?.int ?? 0).clamped(multiplying: 1000)
        if startAt > 0 { input = Self.input(in: payload, log) }
    }

    /// Where the input lies in a payload that has one.
    static func input(in payload: Slice, _ log: RunLog) -> Slice {
        guard let found = log.value(payload)["input"], let base = log.arena.bytes.baseAddress else { return .none }
        return Slice(offset: UInt32(found.start - base), length: UInt32(found.byteCount))
    }

    /// What is wrong with the payload of `queued` from outside; nil if it may be read.
    static func queueFault(in value: ValueCursor) -> String? {
        value["input"] == nil ? "has no input to begin with" : nil
    }

    init() {}

    /// What is wrong with a payload from outside; nil if it may be read.
    static func fault(in value: ValueCursor) -> String? {
        let latest: Int64 = 1 << 50
        for key in ["timeout", "startAt"] {
            guard let time = value[key: key] else { continue }
            guard let number = time.int, (1..<latest).contains(number) else { return "sets no possible limits" }
        }
        return (value["startAt"] == nil) == (value["input"] == nil) ? nil : "has no input to begin with"
    }
}

extension Int64 {
    fileprivate func clamped(multiplying factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}

extension RunMachine {
    /// Whether the run waits for the time at which it is to begin.
    package var isDeferred: Bool { frames.isEmpty && !limits.input.isNone }

    /// Whether the run waits until the store lets it begin.
    package var isQueued: Bool { limits.isQueued && frames.isEmpty && ending == nil }

    /// The commands that the limits of the run lead to.
    var limitCommands: [Command] {
        if isDeferred {
            if isQueued { return [] }
            return [
                Command(
                    kind: .wait, frame: RunLimits.frame, node: 0, serial: RunLimits.startSerial, time: limits.startAt)
            ]
        }
        guard limits.deadline != 0, cancelRequest.isNone, !isClosing else { return [] }
        return [
            Command(kind: .wait, frame: RunLimits.frame, node: 0, serial: limits.serial, time: limits.deadline)
        ]
    }

    /// When the limits lead to something; 0 for never.
    var limitDeadline: Int64 { limitCommands.first?.time ?? 0 }
}
